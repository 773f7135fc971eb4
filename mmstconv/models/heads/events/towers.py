"""What the points of a pyramid say: layers that all levels share."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...layers import StepConv
from .pyramid import Level

#: Share of points that have a class, as the classifiers begin (RetinaNet).
PRIOR = 0.01
#: Distances are at most so many strides: what a point says depends on a bounded part
#: of the film.
FARTHEST = 16.0


class Tower(nn.Module):
    """Two convolutions and a third one that gives the answers.

    Args:
        channels: Of the levels.
        out_channels: Numbers a point gives.
        causal: As the pyramid.
        prior: Probability that its numbers begin with, as logits. None: no such bias.

    Shape:
        - Input: ``(N, channels, T)`` and mask ``(N, 1, T)``.
        - Output: ``(N, out_channels, T)``.
    """

    #: Steps of a level that a point sees before and behind its own, in all.
    reach = 6

    def __init__(
        self,
        channels: int,
        out_channels: int,
        *,
        causal: bool = False,
        prior: float | None = None,
    ) -> None:
        super().__init__()
        self.convs = nn.ModuleList(
            StepConv(channels, channels, causal=causal) for _ in range(2)
        )
        self.out = StepConv(
            channels, out_channels, causal=causal, plain=True, prior=prior
        )

    def features(self, x: Tensor, mask: Tensor) -> Tensor:
        for conv in self.convs:
            x = conv(x, mask)
        return x

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        return self.out(self.features(x, mask), mask)


class DistanceTower(Tower):
    """How far the edges of its event are from each point; where edges are.

    Args:
        channels: Of the levels.
        levels: How many; each has a scale of its own (FCOS).
        causal: As the pyramid.

    Shape:
        - Input: the levels.
        - Output: distances in steps of the grid ``(N, P, 2)``, and responses of the
          steps of the grid to begins and to ends, ``(N, T, 2)``.
    """

    def __init__(self, channels: int, levels: int, *, causal: bool = False) -> None:
        super().__init__(channels, 2, causal=causal)
        self.scales = nn.Parameter(torch.ones(levels))
        self.edges = StepConv(channels, 2, causal=causal, plain=True)

    def forward(self, levels: Sequence[Level]) -> tuple[Tensor, Tensor]:
        distances, responses = [], None
        for scale, level in zip(self.scales, levels):
            x = self.features(level.x, level.mask)
            if responses is None:
                responses = self.edges(x, level.mask).transpose(1, 2)  # (N, T, 2)
            strides = F.softplus(scale * self.out(x, level.mask)).clamp(max=FARTHEST)
            distances.append(level.stride * strides.transpose(1, 2))
        return torch.cat(distances, 1), responses
