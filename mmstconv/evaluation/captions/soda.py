"""SODA: do the sentences of a film tell its story?"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..detection.overlap import temporal_iou


class Story(NamedTuple):
    """Agreement of the sentences of a film, 0 to 1 where sentences' scores are.

    Args:
        precision: A predicted sentence.
        recall: A true sentence.
        f1: Their harmonic mean.
    """

    precision: float
    recall: float
    f1: float


def soda_c(
    predicted: np.ndarray, true: np.ndarray, sentence_scores: np.ndarray
) -> Story:
    """SODA_c of a film and one set of references (Fujita et al., ECCV 2020).

    Both are put in the order of their starts. Of all ways to give sentences of one to
    sentences of the other that keep this order, the one counts whose sum of tIoU times
    sentence score is largest; precision and recall are this sum by how many sentences
    were predicted and are true.

    Args:
        predicted: ``(P, 2)`` seconds.
        true: ``(T, 2)`` seconds.
        sentence_scores: ``(P, T)`` agreement of each pair; in the paper METEOR.
    """
    rows, columns = _order(predicted), _order(true)
    worth = temporal_iou(predicted, true) * sentence_scores
    total = best_in_order(worth[np.ix_(rows, columns)])
    count, known = worth.shape
    precision = total / count if count else 0.0
    recall = total / known if known else 0.0
    both = precision + recall
    return Story(precision, recall, 2 * precision * recall / both if both else 0.0)


def best_in_order(worth: np.ndarray) -> float:
    """The largest sum of entries of which each is right of and below the one before.

    Args:
        worth: ``(P, T)``, none negative.
    """
    best = np.zeros(worth.shape[1] + 1)  # with the rows so far and the first k columns
    for row in worth:
        # with this row: the entry and what is left of it; then the best so far
        best[1:] = np.maximum(best[1:], best[:-1] + row)
        best = np.maximum.accumulate(best)
    return float(best[-1])


def _order(segments: np.ndarray) -> np.ndarray:
    return np.lexsort((segments[:, 1], segments[:, 0]))
