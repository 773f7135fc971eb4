"""Events of many videos in one table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Events(NamedTuple):
    """Events of many videos: true ones, or detected ones with scores.

    Args:
        videos: Which video each lies in, ``(N,)`` of any numbers or any texts.
        times: Seconds of start and end ``(N, 2)``; of instants ``(N,)``.
        labels: The class of each, ``(N,)``.
        scores: Of detections, ``(N,)``.
    """

    videos: np.ndarray
    times: np.ndarray
    labels: np.ndarray
    scores: np.ndarray | None = None

    def of(self, rows: np.ndarray) -> Events:
        """Some of them."""
        return Events(*(None if one is None else one[rows] for one in self))


def join_events(
    times: Sequence[np.ndarray],
    labels: Sequence[np.ndarray],
    scores: Sequence[np.ndarray] | None = None,
) -> Events:
    """One table from a list of arrays, a video each; videos get the numbers 0, 1, ...

    Args:
        times: Of each video, ``(K, 2)`` or ``(K,)``.
        labels: Of each video, ``(K,)``.
        scores: Of each video, ``(K,)``. None: true events.
    """
    counts = [len(one) for one in labels]
    return Events(
        np.repeat(np.arange(len(counts)), counts),
        np.concatenate(times),
        np.concatenate(labels),
        None if scores is None else np.concatenate(scores),
    )


def rows_by_value(values: np.ndarray) -> dict:
    """``{value: places}``, the places in rising order."""
    known, inverse = np.unique(values, return_inverse=True)
    order = np.argsort(inverse.reshape(-1), kind="stable")
    edges = np.cumsum(np.bincount(inverse.reshape(-1), minlength=len(known)))
    return dict(zip(known.tolist(), np.split(order, edges[:-1])))
