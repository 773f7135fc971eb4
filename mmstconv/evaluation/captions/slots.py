"""Words that a sentence chooses among, one of each slot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from .tokenizer import tokenize

Tokens = Sequence[str]
Words = dict[str, list[list[str]]]


def slot_words(slots: Mapping[str, Sequence[str]]) -> Words:
    """The tokens of each slot's words.

    Raises:
        ValueError: A slot has fewer than two words, or a word has no tokens.
    """
    found = {}
    for name, words in slots.items():
        if isinstance(words, str) or len(words) < 2:
            raise ValueError(f"slot {name!r} must be a list of words, got {words!r}")
        found[name] = [tokenize(word) for word in words]
        if not all(found[name]):
            raise ValueError(f"slot {name!r} has a word without letters: {words!r}")
    return found


def said_of(tokens: Tokens, words: Sequence[Tokens]) -> frozenset[int]:
    """Which of a slot's words stand in a sentence, by their places."""
    return frozenset(place for place, word in enumerate(words) if _stands(word, tokens))


def slot_accuracy(
    candidates: Sequence[Tokens],
    references: Sequence[Sequence[Tokens]],
    words: Sequence[Tokens],
) -> tuple[np.ndarray, np.ndarray]:
    """Whether sentences say the right word of a slot, and whether they invent one.

    Right is a sentence that has the same of the slot's words as one of the references
    that have any; with two of them where one is right it is wrong.

    Args:
        candidates: Tokens of a sentence a sample.
        references: Tokens of at least one sentence a sample.
        words: Of the slot.

    Returns:
        Right, ``(N,)``, NaN where no reference has a word of the slot; and invented,
        ``(N,)``, NaN where one has.
    """
    right, invented = [], []
    for candidate, known in zip(candidates, references, strict=True):
        said = said_of(candidate, words)
        expected = {said_of(one, words) for one in known} - {frozenset()}
        right.append(float(said in expected) if expected else np.nan)
        invented.append(np.nan if expected else float(bool(said)))
    return np.array(right), np.array(invented)


def exact_match(
    candidates: Sequence[Tokens], references: Sequence[Sequence[Tokens]]
) -> np.ndarray:
    """Whether a sentence has the tokens of one of its references, ``(N,)`` 0 or 1."""
    pairs = zip(candidates, references, strict=True)
    return np.array([float(any(one == each for each in known)) for one, known in pairs])


def _stands(word: Tokens, tokens: Tokens) -> bool:
    count = len(word)
    starts = range(len(tokens) - count + 1)
    return any(list(tokens[k : k + count]) == list(word) for k in starts)
