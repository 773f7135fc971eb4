"""The events of a data sample, checked."""

from __future__ import annotations

import torch
from mmaction.structures import ActionDataSample
from torch import Tensor

from .clock import Clock

#: An event of which less than this share lies in the sequence is left out.
SEEN = 0.5


def events_of(
    sample: ActionDataSample, field: str, num_classes: int
) -> tuple[Tensor, Tensor]:
    """``gt_instances`` of one sample.

    Args:
        sample: Has ``gt_instances`` with ``labels`` ``(K,)`` and ``field``.
        field: ``'segments'`` ``(K, 2)`` or ``'times'`` ``(K,)``, in seconds.
        num_classes: Labels lie below.

    Returns:
        The field, float64, and the labels, int64.

    Raises:
        ValueError: Names the file and what does not fit.
    """
    where = f"gt_instances of {sample.get('filename', 'a data sample')}"
    truth = sample.get("gt_instances", None)
    for name in (field, "labels"):
        if truth is None or name not in truth:
            raise ValueError(f"{where}: expected {name!r}, found none")
    values = torch.as_tensor(truth[field]).double()
    labels = torch.as_tensor(truth["labels"]).long()
    shape = (len(labels), 2) if field == "segments" else (len(labels),)
    if tuple(values.shape) != shape:
        raise ValueError(
            f"{where}: {field} of {len(labels)} labels must have shape {shape}, got "
            f"{tuple(values.shape)}"
        )
    if not bool(values.isfinite().all()):
        raise ValueError(f"{where}: {field} are not all finite numbers")
    if field == "segments" and bool((values[:, 1] < values[:, 0]).any()):
        row = int((values[:, 1] < values[:, 0]).nonzero()[0])
        raise ValueError(f"{where}: event {row} ends before it begins")
    if len(labels) and not (0 <= int(labels.min()) <= int(labels.max()) < num_classes):
        raise ValueError(
            f"{where}: labels must lie in 0..{num_classes - 1}, got "
            f"{sorted(set(labels.tolist()))}"
        )
    return values, labels


def seen_segments(
    segments: Tensor, labels: Tensor, clock: Clock
) -> tuple[Tensor, Tensor]:
    """What of the events ``(K, 2)`` lies in a sequence, in steps of its grid.

    Those of which less than a half does are left out.
    """
    steps = clock.to_steps(segments)
    cut = steps.clamp(0, clock.steps)
    length = steps[:, 1] - steps[:, 0]
    inside = (steps[:, 0] < clock.steps) & (steps[:, 1] > 0)
    kept = inside & (cut[:, 1] - cut[:, 0] >= SEEN * length)
    return cut[kept], labels[kept]


def seen_times(times: Tensor, labels: Tensor, clock: Clock) -> tuple[Tensor, Tensor]:
    """The instants ``(K,)`` that lie in a sequence, in steps of its grid."""
    steps = clock.to_steps(times)
    kept = (steps >= 0) & (steps < clock.steps)
    return steps[kept], labels[kept]
