"""Average precision of detected events, class by class."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from .events import Events, rows_by_value
from .matching import NOTHING, match_events
from .overlap import temporal_iou


class AveragePrecision(NamedTuple):
    """Average precision by class and threshold.

    Args:
        classes: C labels.
        values: ``(C, K)``; NaN where a class has no true event.
        matches: Which row of the truth each detection has found at each threshold, or
            -1: ``(N, K)``, in the order in which the detections came.
    """

    classes: list
    values: np.ndarray
    matches: np.ndarray

    @property
    def mean(self) -> np.ndarray:
        """Over the classes that have true events, ``(K,)``; NaN if there are none."""
        known = self.values[~np.isnan(self.values).all(1)]
        return known.mean(0) if len(known) else np.full(self.values.shape[1], np.nan)


def average_precision(
    truth: Events,
    found: Events,
    thresholds: Sequence[float],
    classes: Sequence | None = None,
    affinity: Callable[[np.ndarray, np.ndarray], np.ndarray] = temporal_iou,
) -> AveragePrecision:
    """Interpolated average precision of each class.

    As the official evaluation of ActivityNet (its ``ANETdetection``), which
    counts like PASCAL VOC 2011: from the best score to the worst each detection takes
    the true event of its class and video that it overlaps most and that is free; what
    finds none, also in a video without any, is a false alarm. Where the evaluations in
    use differ, this holds:

    - a detected class that is not among ``classes`` is an error (official, MMAction2;
      OpenTAD leaves such detections out);
    - true events that occur twice, or last no time, count (official, MMAction2;
      OpenTAD takes them out); what lasts no time is never found (in the official one
      any two of one video that last no time fit each other);
    - of equal scores the one that comes first counts first (MMAction2; the official
      order is that of an unstable sort);
    - tIoU is a float64 (official; MMAction2's float32 misses a tIoU of exactly 0.7).

    Args:
        truth: True events.
        found: Detections.
        thresholds: Of ``affinity``, ``(K,)``.
        classes: Labels that are known. None: those that the truth has.
        affinity: Of the times of n detections and g true events: ``(n, g)``.

    Raises:
        ValueError: A class is not known; a score is not a finite number; or videos are
            numbered in one table and named in the other.
    """
    thresholds = np.asarray(thresholds, np.float64)
    known = rows_by_value(truth.labels)
    classes = list(known if classes is None else classes)
    check_events(truth, found, classes)
    order = np.argsort(-np.asarray(found.scores, np.float64), kind="stable")
    by_score = found.of(order)
    detected = rows_by_value(by_score.labels)
    values = np.full((len(classes), len(thresholds)), np.nan)
    matches = np.full((len(order), len(thresholds)), NOTHING)
    for place, label in enumerate(classes):
        there = known.get(label)
        if there is None:
            continue
        rows = detected.get(label, np.array([], int))
        taken = match_events(
            truth.of(there), by_score.of(rows), thresholds, affinity
        )  # (n, K)
        values[place] = interpolated_precision(taken != NOTHING, len(there))
        matches[order[rows]] = np.where(taken == NOTHING, NOTHING, there[taken])
    return AveragePrecision(classes, values, matches)


def interpolated_precision(hits: np.ndarray, positives: int) -> np.ndarray:
    """Area under the precision that is never exceeded at a larger recall.

    ``sum over hits i of max_{j >= i} precision(j) / positives``, which is the area of
    PASCAL VOC 2011 as recall rises by ``1 / positives`` at each hit.

    Args:
        hits: Which detections are right, ``(N, K)``, from the best score on.
        positives: How many true events there are.

    Returns:
        ``(K,)``.
    """
    ranks = np.arange(1, len(hits) + 1)[:, None]
    precision = np.cumsum(hits, axis=0) / ranks
    precision = np.maximum.accumulate(precision[::-1], axis=0)[::-1]
    return (precision * hits).sum(0) / positives


def check_events(truth: Events, found: Events, classes: Sequence) -> None:
    """Refuses what cannot be judged.

    Raises:
        ValueError: As of :func:`average_precision`.
    """
    if not np.isfinite(np.asarray(found.scores, np.float64)).all():
        raise ValueError("scores of detections are not all finite numbers")
    for whose, events in (("true event", truth), ("detection", found)):
        unknown = set(np.unique(events.labels).tolist()) - set(classes)
        if unknown:
            shown = ", ".join(sorted(map(repr, unknown))[:5])
            raise ValueError(
                f"a {whose} has a class that is not known: {shown}; known are "
                f"{len(classes)}, as {list(classes)[:5]}"
            )
    texts = [np.asarray(one.videos).dtype.kind in "US" for one in (truth, found)]
    if texts[0] != texts[1] and len(truth.videos) and len(found.videos):
        raise ValueError(
            "videos of true events and of detections: one has numbers, the other texts"
        )
