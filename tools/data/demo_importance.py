"""What matters in generated films, and what one modality cannot know of it.

A shot may have a visible highlight a (the object goes up) and an audible one b (the
tone rises); its importance is ``1 + a + b + a b``. Which shots have which is drawn
independently of all the rest, so a model of one modality can do no better than
:func:`bounds`, and its scores do not change when the other factor is :func:`redrawn`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from demo_timeline import Part

NONE = "none"
#: ``(a, b)`` of the shots of a film, before they are put in random order.
SHOTS = [(1, 1)] * 3 + [(1, 0)] * 3 + [(0, 1)] * 3 + [(0, 0)] * 11
SHARE = 0.15  # of a film that a summary may have: three shots
USERS = 5
SPREAD = 0.2  # standard deviation of a user's scores
SCALE = (1.0, 4.0)  # of importance
#: The factor that each modality perceives: 0 is a, 1 is b.
PERCEIVES = {"rgb": 0, "flow": 0, "audio": 1}


class Film(NamedTuple):
    """What is decided about a film.

    Args:
        highlights: a and b of each shot, ``(S, 2)``.
        timeline: One part for each shot.
        scores: Of each user and shot, ``(USERS, S)``.
    """

    highlights: np.ndarray
    timeline: list[Part]
    scores: np.ndarray


def importance(highlights: np.ndarray) -> np.ndarray:
    """``1 + a + b + a b`` of ``(..., 2)``."""
    a, b = highlights[..., 0], highlights[..., 1]
    return 1.0 + a + b + a * b


def draw_film(rng: np.random.Generator, shot_seconds: float) -> Film:
    """Draws the shots of a film and how its users score them.

    Where there is no highlight the object goes down or rests, and the tone falls or is
    steady, each as likely and independently of the rest.
    """
    highlights = rng.permutation(np.array(SHOTS))
    timeline = []
    for index, (a, b) in enumerate(highlights):
        motion = "up" if a else str(rng.choice(["down", NONE]))
        glide = "rising" if b else str(rng.choice(["falling", NONE]))
        edges = index * shot_seconds, (index + 1) * shot_seconds
        timeline.append(Part(*edges, motion, glide))
    return Film(highlights, timeline, draw_scores(rng, highlights))


def draw_scores(rng: np.random.Generator, highlights: np.ndarray) -> np.ndarray:
    """Scores of the users, ``(USERS, S)``."""
    noise = SPREAD * rng.standard_normal((USERS, len(highlights)))
    return importance(highlights) + noise


def expected_importance(highlights: np.ndarray, subset: str) -> np.ndarray:
    """The best prediction of modalities, ``(S,)``: the mean over what they cannot know.

    Args:
        highlights: ``(S, 2)``.
        subset: Modalities, such as ``'rgb+flow'``, or ``'none'``.
    """
    known = perceived(subset)
    shots = np.array(SHOTS)
    worth = importance(shots)
    alike = (shots[None, :, known] == highlights[:, None, known]).all(axis=2)  # (S, 20)
    return (alike * worth).sum(1) / alike.sum(1)


def perceived(subset: str) -> list[int]:
    """The factors that modalities perceive: some of ``[0, 1]``."""
    names = [] if subset == NONE else subset.split("+")
    return sorted({PERCEIVES[name] for name in names})


def redrawn(
    highlights: np.ndarray, subset: str, rng: np.random.Generator
) -> np.ndarray:
    """Other shots, as likely as these, in which modalities perceive the same.

    Shots that are perceived alike change places. A prediction of these modalities must
    score the same on the result, but for chance.

    Args:
        highlights: ``(S, 2)`` of one film.
        subset: Modalities, such as ``'audio'``.
        rng: Of the permutations.
    """
    known = perceived(subset)
    new = highlights.copy()
    for kind in np.unique(highlights[:, known], axis=0):
        places = np.flatnonzero((highlights[:, known] == kind).all(axis=1))
        new[places] = highlights[rng.permutation(places)]
    return new


class Bounds(NamedTuple):
    """What modalities can reach: F1 of the summary, Spearman's rho of the scores."""

    f1: float
    rho: float


def bounds(subset: str, films: int = 2000) -> Bounds:
    """What modalities can reach at best, over many films.

    F1 is counted: all shots are of one length and each user's summary has the three
    shots with both highlights, so F1 is the share of right ones among three that look
    or sound best, in no particular order. Rho is the mean over users of so many films.

    Args:
        subset: Modalities, such as ``'rgb+flow'``, or ``'none'``.
        films: For rho; they are the same at every call.
    """
    shots = np.array(SHOTS)
    predicted = expected_importance(shots, subset)
    wanted = importance(shots) == SCALE[1]
    best = predicted == predicted.max()  # at least as many as a summary has
    f1 = float((best & wanted).sum() / best.sum())
    rng = np.random.default_rng(0)
    rhos = [
        spearman(predicted, user)
        for _ in range(films)
        for user in draw_scores(rng, shots)
    ]
    return Bounds(f1, float(np.mean(rhos)))


def spearman(one: Sequence[float], other: Sequence[float]) -> float:
    """Spearman's rank correlation; 0 where one says nothing."""
    from scipy.stats import rankdata

    ranks = [rankdata(values) for values in (one, other)]
    if min(np.ptp(rank) for rank in ranks) == 0:
        return 0.0
    return float(np.corrcoef(*ranks)[0, 1])
