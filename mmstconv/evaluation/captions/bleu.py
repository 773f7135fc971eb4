"""BLEU of a corpus."""

from __future__ import annotations

import math
from collections.abc import Sequence

from .ngrams import ORDERS, count_ngrams

Tokens = Sequence[str]
# As the reference has them: a precision of nothing is nearly zero, not undefined.
_NONE_RIGHT, _NONE_THERE = 1e-15, 1e-9


def bleu(
    candidates: Sequence[Tokens], references: Sequence[Sequence[Tokens]]
) -> list[float]:
    """BLEU-1 to BLEU-4 of a corpus (Papineni et al. 2002), 0 to 1.

    Setting: that of ``pycocoevalcap.bleu.Bleu(4)``. Counts and lengths are summed over
    the corpus before precisions are taken (it is no mean over sentences); the length of
    the reference is that of the closest, the shorter one of two; no smoothing, but a
    count of zero is 1e-15.

    Args:
        candidates: Tokens of a sentence a sample.
        references: Tokens of at least one sentence a sample.
    """
    right, there = [0] * ORDERS, [0] * ORDERS
    length = reference_length = 0
    for candidate, known in zip(candidates, references, strict=True):
        length += len(candidate)
        reference_length += min(
            (abs(len(one) - len(candidate)), len(one)) for one in known
        )[1]
        counts = [count_ngrams(one) for one in known]
        for order, ngrams in enumerate(count_ngrams(candidate)):
            there[order] += max(0, len(candidate) - order)
            for ngram, count in ngrams.items():
                most = max(one[order][ngram] for one in counts)
                right[order] += min(count, most)
    ratio = (length + _NONE_RIGHT) / (reference_length + _NONE_THERE)
    brevity = math.exp(min(0.0, 1 - 1 / ratio))
    scores, product = [], 1.0
    for order in range(ORDERS):
        product *= (right[order] + _NONE_RIGHT) / (there[order] + _NONE_THERE)
        scores.append(brevity * product ** (1 / (order + 1)))
    return scores
