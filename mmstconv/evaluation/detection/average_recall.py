"""Average recall of proposals at an average number a video (AR@AN)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .events import Events, rows_by_value
from .overlap import temporal_iou


class AverageRecall(NamedTuple):
    """Recall by threshold and average number of proposals a video.

    Args:
        recall: ``(K, A)``.
        proposals: The average number a video, ``(A,)``.
    """

    recall: np.ndarray
    proposals: np.ndarray

    @property
    def mean(self) -> np.ndarray:
        """AR@AN: the mean over thresholds, ``(A,)``; AR@100 is place 99."""
        return self.recall.mean(0)

    @property
    def area(self) -> float:
        """Area under AR over AN as a share of the largest number, 0 to 1."""
        heights = (self.mean[1:] + self.mean[:-1]) / 2
        return float(np.sum(heights * np.diff(self.proposals)) / self.proposals[-1])


def average_recall(
    truth: Events,
    found: Events,
    thresholds: Sequence[float],
    largest: int = 100,
) -> AverageRecall:
    """AR@AN from 1 to ``largest``; classes are not looked at.

    As the proposal evaluation of ActivityNet (its ``ANETproposal``) and
    MMAction2's ``average_recall_at_avg_proposals``: of each video the same share of
    its best proposals is kept, so that there are so many a video on average. Only
    videos with true events count; one without proposals has recall 0. Without any
    proposal, which the two cannot judge, all recall is 0.

    Args:
        truth: True events, at least one.
        found: Proposals or detections.
        thresholds: tIoU from which on a true event is found, ``(K,)``.
        largest: The largest average number.

    Raises:
        ValueError: There is no true event.
    """
    thresholds = np.asarray(thresholds, np.float64)
    true_rows = rows_by_value(truth.videos)
    if not true_rows:
        raise ValueError("average_recall: there is no true event")
    numbers = np.arange(1, largest + 1)
    recall = np.zeros((len(thresholds), largest))
    if not len(found.labels):
        return AverageRecall(recall, numbers.astype(np.float64))
    share = largest * float(len(true_rows)) / len(found.labels)
    overlaps, kept = [], 0
    proposed = rows_by_value(found.videos)
    for video, there in true_rows.items():
        rows = proposed.get(video, np.array([], int))
        best = np.argsort(-found.scores[rows], kind="stable")
        count = min(int(len(rows) * share), len(rows))
        kept += count
        rows = rows[best][:count]
        overlaps.append(temporal_iou(truth.times[there], found.times[rows]))  # (g, n)
    if not kept:
        return AverageRecall(recall, numbers.astype(np.float64))
    shares = numbers / largest * (largest * float(len(true_rows)) / kept)
    for iou in overlaps:
        if not iou.shape[1]:
            continue
        counts = np.minimum((iou.shape[1] * shares).astype(int), iou.shape[1])  # (A,)
        right = iou >= thresholds[:, None, None]  # (K, g, n)
        first = np.where(right.any(2), right.argmax(2), iou.shape[1])  # (K, g)
        recall += (first[..., None] < counts).sum(1)
    return AverageRecall(
        recall / len(truth.labels), shares * (float(kept) / len(true_rows))
    )
