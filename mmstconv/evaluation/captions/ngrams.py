"""Counts of n-grams."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

#: BLEU and CIDEr count n-grams of up to so many words.
ORDERS = 4

NGrams = Counter[tuple[str, ...]]


def count_ngrams(tokens: Sequence[str]) -> list[NGrams]:
    """Of each order from 1 to 4 how often each n-gram stands in a sentence."""
    return [
        Counter(tuple(tokens[k : k + n]) for k in range(len(tokens) - n + 1))
        for n in range(1, ORDERS + 1)
    ]
