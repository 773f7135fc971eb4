"""Which detection finds which true event."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .events import Events, rows_by_value

NOTHING = -1


def match_greedily(affinity: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Each detection takes the free true event that it fits best, if well enough.

    Of true events that it fits equally well it takes the last, as the official
    evaluation of ActivityNet does.

    Args:
        affinity: How well each detection fits each true event, ``(N, G)``, the
            detections from the best score to the worst.
        thresholds: What is enough, ``(K,)``; each is a matching of its own.

    Returns:
        Place of the true event or -1, ``(N, K)``.
    """
    found = np.full((len(affinity), len(thresholds)), NOTHING)
    if not affinity.size:
        return found
    free = np.ones((len(thresholds), affinity.shape[1]), bool)
    every = np.arange(len(thresholds))
    for row in np.flatnonzero(affinity.max(1) >= thresholds.min()):
        order = np.argsort(affinity[row], kind="stable")[::-1]
        fits = free[:, order] & (affinity[row, order] >= thresholds[:, None])  # (K, G)
        taken = np.where(fits.any(1), order[fits.argmax(1)], NOTHING)  # (K,)
        hit = taken != NOTHING
        free[every[hit], taken[hit]] = False
        found[row] = taken
    return found


def match_events(
    truth: Events,
    found: Events,
    thresholds: np.ndarray,
    affinity: Callable[[np.ndarray, np.ndarray], np.ndarray],
) -> np.ndarray:
    """:func:`match_greedily` in each video; classes are not looked at.

    Args:
        truth: True events, in G rows.
        found: Detections from the best score to the worst, in N rows.
        thresholds: ``(K,)``.
        affinity: Of the times of detections and of true events: ``(n, g)``.

    Returns:
        Row of the true event or -1, ``(N, K)``.
    """
    taken = np.full((len(found.labels), len(thresholds)), NOTHING)
    true_rows = rows_by_value(truth.videos)
    for video, rows in rows_by_value(found.videos).items():
        there = true_rows.get(video)
        if there is None:  # a video without such an event
            continue
        fits = affinity(found.times[rows], truth.times[there])
        places = match_greedily(fits, thresholds)
        taken[rows] = np.where(places == NOTHING, NOTHING, there[places])
    return taken
