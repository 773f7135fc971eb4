"""SoccerNet's average precision of instants."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .average_precision import AveragePrecision, check_events
from .events import Events, rows_by_value
from .matching import NOTHING

_RECALLS = np.arange(11) / 10
_SCORES = np.linspace(0, 1, 200)


def soccernet_average_precision(
    truth: Events,
    found: Events,
    windows: Sequence[float],
    classes: Sequence | None = None,
    frame_rate: float = 2,
) -> AveragePrecision:
    """Average precision of each class in windows of several widths.

    As the SoccerNet package (``SoccerNet.Evaluation.ActionSpotting``), all actions,
    shown or not: times are cut to frames; in order of time each true instant takes the
    best-scored free detection of its class at most half a window away; precision and
    recall are looked at from 200 scores of 0 to 1 on, and interpolated at 11 points.
    What differs: two events of one class in one frame are two (there the one that
    comes later in the file replaces the other), and a class without true events is
    NaN (there 0). A half of a match is a video of its own.

    Args:
        truth: True events, ``times`` of ``(G,)`` seconds.
        found: Detections, ``times`` of ``(N,)`` seconds, scores of 0 to 1.
        windows: Their widths, ``(K,)`` seconds.
        classes: Labels that are known. None: those that the truth has.
        frame_rate: Of the frames that times are cut to.

    Raises:
        ValueError: As of :func:`~.average_precision.average_precision`, or a score is
            outside of 0 to 1.
    """
    known = rows_by_value(truth.labels)
    classes = list(known if classes is None else classes)
    check_events(truth, found, classes)
    outside = (found.scores < 0) | (found.scores > 1)
    if outside.any():
        raise ValueError(
            f"SoccerNet's protocol needs scores of 0 to 1, got "
            f"{found.scores[outside][0]}"
        )
    truth = truth._replace(times=(truth.times * frame_rate).astype(int))
    found = found._replace(times=(found.times * frame_rate).astype(int))
    detected = rows_by_value(found.labels)
    values = np.full((len(classes), len(windows)), np.nan)
    matches = np.full((len(found.labels), len(windows)), NOTHING)
    for place, label in enumerate(classes):
        there = known.get(label)
        if there is None:
            continue
        rows = detected.get(label, np.array([], int))
        for column, window in enumerate(windows):
            taken = _match(truth.of(there), found.of(rows), window * frame_rate / 2)
            hits = taken != NOTHING
            values[place, column] = _precision(hits, found.scores[rows], len(there))
            matches[rows[hits], column] = there[taken[hits]]
    return AveragePrecision(classes, values, matches)


def average_over_windows(values: np.ndarray) -> np.ndarray:
    """Mean height of a measure over the widths, by trapezoids: ``(..., K)``."""
    values = np.asarray(values)
    if values.shape[-1] == 1:
        return values[..., 0]
    return ((values[..., 1:] + values[..., :-1]) / 2).mean(-1)


def _match(truth: Events, found: Events, reach: float) -> np.ndarray:
    """True events choose, in order of time: row of the truth or -1, ``(N,)``."""
    taken = np.full(len(found.labels), NOTHING)
    proposed = rows_by_value(found.videos)
    for row in np.argsort(truth.times, kind="stable"):
        rows = proposed.get(truth.videos[row].item(), np.array([], int))
        near = np.abs(found.times[rows] - truth.times[row]) <= reach
        rows = rows[near & (taken[rows] == NOTHING)]
        if len(rows):
            # the first in time of equally good ones
            rows = rows[np.argsort(found.times[rows], kind="stable")]
            taken[rows[found.scores[rows].argmax()]] = row
    return taken


def _precision(hits: np.ndarray, scores: np.ndarray, positives: int) -> float:
    """Mean over 11 recalls of the best precision at that recall or a larger one."""
    kept = scores >= _SCORES[:, None]  # (200, N)
    right, count = (kept & hits).sum(1), kept.sum(1)
    recall = right / positives
    precision = right / np.maximum(count, 1)
    enough = recall >= _RECALLS[:, None]  # (11, 200)
    return float(np.where(enough, precision, 0).max(1).mean())
