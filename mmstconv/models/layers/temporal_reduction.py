"""From a sequence of features to one feature: three ways to read time."""

from __future__ import annotations

import torch
from mmaction.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor, nn

from .lengths import check_lengths, length_mask


class TemporalReduction(BaseModule):
    """``(N, T, D)`` to ``(N, D)``.

    Args:
        in_channels: D.
        init_cfg: Initialisation config.

    Shape:
        - Input: ``(N, T, D)`` and optionally ``lengths`` ``(N,)``: steps from
          there on are padding and do not count.
        - Output: ``(N, D)``.
    """

    def __init__(self, in_channels: int, *, init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg=init_cfg)
        self.in_channels = in_channels

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        raise NotImplementedError


@MODELS.register_module()
class LastState(TemporalReduction):
    """The state in which the whole sequence has been seen.

    That is the last step of a forward LSTM. The backward half of a bidirectional
    one ends at the first step.

    Args:
        in_channels: D, both directions together.
        bidirectional: The second half of the channels runs backwards in time.
        init_cfg: Initialisation config.
    """

    def __init__(
        self,
        in_channels: int,
        *,
        bidirectional: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(in_channels, init_cfg=init_cfg)
        if bidirectional and in_channels % 2:
            raise ValueError(
                f"in_channels must be even for two directions, got {in_channels}"
            )
        self.bidirectional = bidirectional

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        if lengths is None:
            last = x[:, -1]  # (N, D)
        else:
            check_lengths(lengths, x.shape[0], x.shape[1])
            rows = torch.arange(x.shape[0], device=x.device)
            last = x[rows, lengths.to(x.device) - 1]  # (N, D)
        if not self.bidirectional:
            return last
        half = self.in_channels // 2
        return torch.cat([last[:, :half], x[:, 0, half:]], dim=1)  # (N, D)


@MODELS.register_module()
class MeanOverTime(TemporalReduction):
    """The mean of all steps; blind to their order."""

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        if lengths is None:
            return x.mean(dim=1)  # (N, D)
        mask = length_mask(lengths, x)[:, :, None]  # (N, T, 1)
        total = torch.where(mask, x, x.new_zeros(())).sum(dim=1)  # (N, D)
        return total / lengths.to(x)[:, None]


@MODELS.register_module()
class AttentionOverTime(TemporalReduction):
    """A learned weighted mean: softmax over time of a small network's score.

    `A Structured Self-attentive Sentence Embedding
    <https://arxiv.org/abs/1703.03130>`_, with one row of attention.
    """

    def __init__(self, in_channels: int, *, init_cfg: dict | None = None) -> None:
        super().__init__(in_channels, init_cfg=init_cfg)
        self.score = nn.Sequential(
            nn.Linear(in_channels, in_channels), nn.Tanh(), nn.Linear(in_channels, 1)
        )

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        score = self.score(x)  # (N, T, 1)
        if lengths is not None:
            mask = length_mask(lengths, x)[:, :, None]  # (N, T, 1)
            score = score.masked_fill(~mask, float("-inf"))
            x = torch.where(mask, x, x.new_zeros(()))
        weight = score.softmax(dim=1)  # (N, T, 1)
        return (weight * x).sum(dim=1)  # (N, D)
