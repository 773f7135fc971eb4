"""Fused steps at several time scales, and the points at which events are predicted."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...layers import StepConv, length_mask


class Level(NamedTuple):
    """One time scale.

    Args:
        x: ``(N, D, T')``.
        mask: Real steps, bool ``(N, 1, T')``.
        stride: Steps of the grid that one step of this level covers.
    """

    x: Tensor
    mask: Tensor
    stride: int


class StepPyramid(nn.Module):
    """Two convolutions, then one level after another by maximum over pairs of steps.

    `TemporalMaxer <https://arxiv.org/abs/2303.09055>`_, which has the maximum in the
    place of the attention of `ActionFormer <https://arxiv.org/abs/2202.07925>`_. Step i
    of level l covers steps ``[i * 2^l, (i + 1) * 2^l)`` of the grid, whatever the
    length of the sequence.

    Args:
        in_channels: Channels of the steps.
        channels: Channels of every level.
        levels: How many; the first is the grid itself.
        causal: A step sees none behind it. Of a level only those steps are real that
            all of the steps are there for which they cover; otherwise one is enough.

    Shape:
        - Input: ``(N, T, D)``; ``valid`` ``(N,)``, real steps, or None for all.
        - Output: :class:`Level` each, of T padded to a multiple of the last stride.
    """

    #: Steps that a step of the first level sees before and behind itself, in all.
    reach = 4

    def __init__(
        self, in_channels: int, channels: int, levels: int, *, causal: bool = False
    ) -> None:
        super().__init__()
        self.levels = levels
        self.stride = 2 ** (levels - 1)
        self.causal = causal
        self.convs = nn.ModuleList(
            StepConv(width, channels, causal=causal)
            for width in (in_channels, channels)
        )

    def forward(self, steps: Tensor, valid: Tensor | None = None) -> list[Level]:
        mask = torch.ones_like(steps[..., 0], dtype=torch.bool)  # (N, T)
        if valid is not None:
            mask = length_mask(valid, steps)
        missing = -steps.shape[1] % self.stride
        mask = F.pad(mask[:, None], (0, missing))  # (N, 1, T)
        x = F.pad(steps.transpose(1, 2), (0, missing))  # (N, D, T)
        for conv in self.convs:
            x = conv(x, mask)
        levels = [Level(x, mask, 1)]
        while len(levels) < self.levels:
            levels.append(self._coarser(levels[-1]))
        return levels

    def _coarser(self, level: Level) -> Level:
        pairs = level.mask.unflatten(2, (-1, 2))  # (N, 1, T', 2)
        mask = pairs.all(3) if self.causal else pairs.any(3)
        x = level.x.masked_fill(~level.mask, float("-inf"))
        x = x.unflatten(2, (-1, 2)).amax(3)  # (N, D, T')
        return Level(x.masked_fill(~mask, 0.0), mask, 2 * level.stride)


class Points(NamedTuple):
    """Where events are predicted, all levels one after another, in steps of the grid.

    Args:
        time: ``(P,)``: the middle of what the step of the level covers, its end for
            ``causal``.
        stride: Of the level, ``(P,)``.
        low: The least distance from a point to an edge of its event for which this
            level is responsible, ``(P,)``.
        high: All distances are less, ``(P,)``.
    """

    time: Tensor
    stride: Tensor
    low: Tensor
    high: Tensor


#: An event is of the first level whose points lie less than so many strides from both
#: of its edges (ActionFormer's ranges).
STRIDES_PER_LEVEL = 4


def points_of(steps: int, levels: int, device: torch.device, *, causal: bool) -> Points:
    """The points of a pyramid over so many steps, in the order of its predictions."""
    steps += -steps % 2 ** (levels - 1)
    parts = []
    for number in range(levels):
        stride = 2**number
        index = torch.arange(steps // stride, dtype=torch.float32, device=device)
        time = (index + (1.0 if causal else 0.5)) * stride
        high = float(STRIDES_PER_LEVEL * stride)
        low = 0.0 if number == 0 else high / 2
        if number == levels - 1:
            high = float("inf")
        same = torch.ones_like(time)
        parts.append((time, stride * same, low * same, high * same))
    return Points(*(torch.cat(column) for column in zip(*parts)))
