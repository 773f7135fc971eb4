"""CIDEr and CIDEr-D: agreement with what people say, rare words counting more."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from .ngrams import ORDERS, NGrams, count_ngrams

Tokens = Sequence[str]
SIGMA = 6.0
SCALE = 10.0


def cider_d(
    candidates: Sequence[Tokens],
    references: Sequence[Sequence[Tokens]],
    idf: InverseFrequencies | None = None,
) -> np.ndarray:
    """CIDEr-D of each sample (Vedantam et al. 2015, section 7), 0 to 10.

    Setting: that of ``pycocoevalcap.cider.Cider``, which is CIDEr-D and what tables of
    captions call CIDEr. Weights clipped at those of the reference; a Gaussian of the
    difference in length with sigma 6, lengths counted in bigrams; no stemming; mean
    over references and orders 1 to 4, times 10. Inverse document frequencies are of the
    references of the samples given, so that a score of few samples says little: of one
    alone it is 0.

    Args:
        candidates: Tokens of a sentence a sample.
        references: Tokens of at least one sentence a sample.
        idf: Of another corpus. None: of these references.

    Returns:
        float64 ``(N,)``.
    """
    return _cider(candidates, references, idf, _clipped)[0]


def cider(
    candidates: Sequence[Tokens],
    references: Sequence[Sequence[Tokens]],
    idf: InverseFrequencies | None = None,
) -> np.ndarray:
    """CIDEr of each sample as first defined (Vedantam et al. 2015, eq. 2 and 3).

    Setting: no clipping, no penalty of the length, no stemming; else as
    :func:`cider_d`, times 10 as well. It is not what tables of captions call CIDEr.
    """
    return _cider(candidates, references, idf, _plain)[0]


def both_ciders(
    candidates: Sequence[Tokens],
    references: Sequence[Sequence[Tokens]],
    idf: InverseFrequencies | None = None,
) -> np.ndarray:
    """:func:`cider_d` and :func:`cider` at the cost of one: float64 ``(2, N)``."""
    return _cider(candidates, references, idf, _clipped, _plain)


class InverseFrequencies:
    """How rare n-grams are, by in how many samples a reference has them.

    Args:
        references: Tokens of the sentences of each sample.
    """

    def __init__(self, references: Iterable[Sequence[Tokens]]) -> None:
        self.samples = 0
        self._found: NGrams = NGrams()
        for known in references:
            self.samples += 1
            there: set[tuple[str, ...]] = set()
            for one in known:
                there.update(*count_ngrams(one))
            self._found.update(there)

    def weights(self, ngrams: NGrams) -> dict[tuple[str, ...], float]:
        """``{n-gram: count times log(samples / samples with it)}``; unseen as one."""
        most = math.log(self.samples)
        return {
            ngram: count * (most - math.log(max(1, self._found[ngram])))
            for ngram, count in ngrams.items()
        }


class _Vectors:
    """Weights of a sentence, their norms, its length.

    Args:
        tokens: Of the sentence.
        idf: Frequencies of a corpus.
    """

    def __init__(self, tokens: Tokens, idf: InverseFrequencies) -> None:
        self.weights = [idf.weights(ngrams) for ngrams in count_ngrams(tokens)]
        self.norms = [
            math.sqrt(sum(value**2 for value in one.values())) for one in self.weights
        ]
        self.bigrams = max(0, len(tokens) - 1)


def _cider(candidates, references, idf, *similarities) -> np.ndarray:
    """A row for each way to compare two sentences."""
    if idf is None:
        idf = InverseFrequencies(references)
    scores = []
    for candidate, known in zip(candidates, references, strict=True):
        ours = _Vectors(candidate, idf)
        theirs = [_Vectors(one, idf) for one in known]
        totals = [sum(like(ours, one) for one in theirs) for like in similarities]
        scores.append([SCALE * total / len(known) for total in totals])
    return np.reshape(scores, (-1, len(similarities))).T


def _plain(ours: _Vectors, theirs: _Vectors) -> float:
    return sum(_cosines(ours, theirs, lambda a, b: a * b)) / ORDERS


def _clipped(ours: _Vectors, theirs: _Vectors) -> float:
    penalty = math.exp(-((ours.bigrams - theirs.bigrams) ** 2) / (2 * SIGMA**2))
    cosines = _cosines(ours, theirs, lambda a, b: min(a, b) * b)
    return penalty * sum(cosines) / ORDERS


def _cosines(ours: _Vectors, theirs: _Vectors, product) -> list[float]:
    """Of each order; products are those of weights in both."""
    found = []
    for order in range(ORDERS):
        first, second = ours.weights[order], theirs.weights[order]
        dot = sum(
            product(value, second[ngram])
            for ngram, value in first.items()
            if ngram in second
        )
        norm = ours.norms[order] * theirs.norms[order]
        found.append(dot / norm if norm else 0.0)
    return found
