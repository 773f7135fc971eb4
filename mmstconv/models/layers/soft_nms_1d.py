"""Soft non-maximum suppression along time."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

SIGMA = 0.5


def soft_nms_1d(
    segments: Tensor,
    scores: Tensor,
    labels: Tensor,
    *,
    sigma: float = SIGMA,
    min_score: float = 0.001,
    max_number: int | None = None,
) -> tuple[Tensor, Tensor]:
    """Soft-NMS with a Gaussian penalty, of each class by itself.

    `Soft-NMS -- Improving Object Detection With One Line of Code
    <https://arxiv.org/abs/1704.04503>`_, algorithm 1 and equation 3: the best segment
    is taken, and the scores of those that overlap it are multiplied by
    ``exp(-tIoU^2 / sigma)``, until nothing is left.

    Args:
        segments: Begin and end, ``(K, 2)``.
        scores: ``(K,)``, not below zero.
        labels: Whole numbers, ``(K,)``.
        sigma: Of the penalty.
        min_score: What falls below is left out.
        max_number: As many as this, the best. None: all.

    Returns:
        Rows of ``segments`` by falling score ``(J,)``, and their scores after the
        penalties ``(J,)``.
    """
    begin, end = segments.detach().cpu().double().numpy().reshape(-1, 2).T
    left = scores.detach().cpu().double().numpy().copy()
    classes = labels.detach().cpu().numpy()
    order = np.lexsort((begin, classes))  # neighbours in memory are those in time
    begin, end, left, classes = begin[order], end[order], left[order], classes[order]
    longest = (end - begin).max(initial=0.0)
    rows, taken = [], []
    number = len(left) if max_number is None else min(max_number, len(left))
    bounds = {one: _range_of(classes, one) for one in np.unique(classes).tolist()}
    while len(rows) < number:
        best = int(left.argmax())
        if left[best] < min_score or left[best] < 0:
            break
        rows.append(order[best])
        taken.append(left[best])
        first, last = bounds[classes[best].item()]
        own = begin[first:last]  # of its class, rising
        near = slice(
            first + int(np.searchsorted(own, begin[best] - longest)),
            first + int(np.searchsorted(own, end[best], side="right")),
        )
        left[near] *= _penalty(begin[near], end[near], begin[best], end[best], sigma)
        left[best] = -1.0
    rows = torch.as_tensor(np.array(rows, dtype=np.int64), device=segments.device)
    return rows, scores.new_tensor(np.array(taken))


def _range_of(classes: np.ndarray, one: int) -> tuple[int, int]:
    left = np.searchsorted(classes, one)
    return int(left), int(np.searchsorted(classes, one, side="right"))


def _penalty(
    begin: np.ndarray, end: np.ndarray, start: float, stop: float, sigma: float
) -> np.ndarray:
    shared = np.minimum(end, stop) - np.maximum(begin, start)
    shared = np.maximum(shared, 0.0)
    union = (end - begin) + (stop - start) - shared
    overlap = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return np.exp(-(overlap**2) / sigma)
