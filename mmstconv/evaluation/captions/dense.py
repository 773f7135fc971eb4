"""Sentences of segments: the protocol of ActivityNet's dense captioning."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ..detection.overlap import temporal_iou
from .bleu import bleu
from .cider import cider_d
from .rouge import rouge_l

Tokens = Sequence[str]
TIOU_THRESHOLDS = (0.3, 0.5, 0.7, 0.9)
# What a sentence is compared with whose segment meets none: a word that nobody says. It
# has letters, since METEOR counts the words of the reference.
NOTHING = ["qzxjvkwqzxjvkwq"]


class FilmCaptions(NamedTuple):
    """Predicted and true sentences of a film.

    Args:
        predicted: ``(P, 2)`` seconds.
        sentences: Tokens of P sentences.
        true: ``(T, 2)`` seconds, of all people.
        references: Of each of the T segments at least one sentence's tokens.
        people: ``(T,)``, who has given a segment.
    """

    predicted: np.ndarray
    sentences: list[Tokens]
    true: np.ndarray
    references: list[list[Tokens]]
    people: np.ndarray


def overlapping(first: np.ndarray, second: np.ndarray, threshold: float) -> np.ndarray:
    """Which pairs overlap enough, ``(P, 2)`` and ``(T, 2)`` to bool ``(P, T)``.

    A tIoU of exactly the threshold is below it: the official evaluation adds 1e-8 s to
    the union.
    """
    return temporal_iou(first, second) > threshold + 1e-9


#: Scores of the pairs of a film: ``{name: score(candidates, references)}``.
SCORERS: dict[str, Callable] = {
    "BLEU-4": lambda said, known: bleu(said, known)[3],
    "ROUGE-L": lambda said, known: float(rouge_l(said, known).mean()),
    "CIDEr-D": lambda said, known: float(cider_d(said, known).mean()),
}


def dense_scores(
    films: Sequence[FilmCaptions],
    threshold: float,
    scorers: Mapping[str, Callable] = SCORERS,
) -> dict[str, float]:
    """Scores of sentences whose segments overlap, means over films.

    As ``densevid_eval`` of ActivityNet Captions (Krishna et al., ICCV 2017): each
    predicted sentence is paired with each true one, of anybody, with a tIoU above the
    threshold, a sentence without any with a word that nobody says. A film's score
    is that of its pairs as a corpus of their own, so that CIDEr-D takes frequencies
    from them and is 0 of one pair alone; a film without predictions has 0. Sentences
    that are true and were missed do not count: many predictions do no harm.

    Args:
        films: With true sentences.
        threshold: Of the tIoU.
        scorers: Of tokens of pairs.
    """
    sums = dict.fromkeys(scorers, 0.0)
    for film in films:
        said, known = _pairs(film, threshold)
        for name, score in scorers.items():
            sums[name] += score(said, known) if said else 0.0
    return {name: value / len(films) for name, value in sums.items()}


def precision_recall(
    films: Sequence[FilmCaptions], threshold: float
) -> tuple[float, float]:
    """How many predicted segments are true, and how many true ones are predicted.

    As ``densevid_eval``: a segment counts if its tIoU with any is above the threshold;
    of each film the best precision and the best recall over people, which may be those
    of two; means over films.
    """
    found = []
    for film in films:
        met = overlapping(film.predicted, film.true, threshold)  # (P, T)
        best = np.zeros(2)
        for person in np.unique(film.people):
            own = met[:, film.people == person]
            one = [own.any(1).mean() if len(own) else 0.0, own.any(0).mean()]
            best = np.maximum(best, one)
        found.append(best)
    precision, recall = np.mean(found, axis=0)
    return float(precision), float(recall)


def _pairs(film: FilmCaptions, threshold: float) -> tuple[list, list]:
    said: list[Tokens] = []
    known: list[list[Tokens]] = []
    overlaps = overlapping(film.predicted, film.true, threshold)
    for sentence, row in zip(film.sentences, overlaps):
        met = [[one] for k in np.flatnonzero(row) for one in film.references[k]]
        met = met or [[NOTHING]]
        said += [sentence] * len(met)
        known += met
    return said, known
