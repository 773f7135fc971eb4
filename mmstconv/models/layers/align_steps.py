"""Sequences of different lengths onto the same time steps."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from .to_device import to_device


class StepGrid(NamedTuple):
    """Where in a clip the time steps of a stream lie.

    Step i covers the clip from ``first + i * width`` to ``first + (i + 1) * width``.

    Args:
        first: Where the first step begins, in input frames.
        width: Of a step, in input frames.
        total: Input frames of the clip.
    """

    first: float
    width: float
    total: int

    def edges(self, steps: int, like: Tensor) -> Tensor:
        """Edges of the steps as shares of the clip, ``(steps + 1,)``."""
        steps = torch.arange(steps + 1, dtype=torch.float32, device=like.device)
        return (steps * self.width + self.first) / self.total


def edges_of(grid: StepGrid | None, steps: int, like: Tensor) -> Tensor:
    """Edges of time steps as shares of the clip, ``(steps + 1,)``.

    Args:
        grid: Where they lie; None: equal parts of the whole clip.
        steps: How many they are.
        like: For the device.
    """
    grid = StepGrid(0, 1, steps) if grid is None else grid
    return grid.edges(steps, like)


def align_steps(x: Tensor, steps: int) -> Tensor:
    """``(N, T, D)`` to ``(N, steps, D)``: the mean of each of ``steps`` equal spans.

    All streams of a sample cover the same time, so equal shares of it correspond.
    """
    if x.shape[1] == steps:
        return x
    return F.adaptive_avg_pool1d(x.transpose(1, 2), steps).transpose(1, 2)


def align_edges(x: Tensor, own: Tensor, wanted: Tensor) -> Tensor:
    """Means of a sequence over other spans of time.

    Each span gets the mean of the steps that it overlaps, by how much it overlaps them;
    one beyond the ends of the sequence gets its first or last step.

    Args:
        x: ``(N, T, D)``.
        own: Edges of its steps, ``(T + 1,)`` or ``(N, T + 1)``, ascending.
        wanted: Edges of the spans, ``(S + 1,)`` or ``(N, S + 1)``, in the same unit.

    Returns:
        ``(N, S, D)``.
    """
    ends = torch.finfo(own.dtype).max / 4
    inner = own[..., 1:-1]
    lower = F.pad(inner, (1, 0), value=-ends)[..., None, :]  # (..., 1, T)
    upper = F.pad(inner, (0, 1), value=ends)[..., None, :]
    begin, end = wanted[..., :-1, None], wanted[..., 1:, None]  # (..., S, 1)
    overlap = torch.minimum(upper, end) - torch.maximum(lower, begin)  # (..., S, T)
    shares = overlap.clamp(min=0) / (end - begin)
    return shares.to(x.dtype) @ x


def stretch_steps(x: Tensor, lengths: Tensor, steps: int) -> Tensor:
    """The real steps of a padded ``(N, T, D)`` averaged onto ``(N, steps, D)``.

    Args:
        x: ``(N, T, D)``.
        lengths: How many steps are real, ``(N,)``.
        steps: Equal spans of them.
    """
    own = torch.arange(x.shape[1] + 1, dtype=torch.float32, device=x.device)
    share = torch.arange(steps + 1, dtype=torch.float32, device=x.device) / steps
    return align_edges(x, own, to_device(lengths, x.device)[:, None] * share)
