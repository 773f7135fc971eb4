"""Fusion by gates that see all modalities."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from mmaction.registry import MODELS
from torch import Tensor, nn

from .base import FusionOperator


@MODELS.register_module()
class ContextGatingFusion(FusionOperator):
    """Concatenate, then scale every channel by a gate that sees all channels.

    ``y = sigmoid(W x + b) * x``: `Learnable pooling with Context Gating for video
    classification <https://arxiv.org/abs/1706.06905>`_, equation 1, on the joined
    modalities as in `EPIC-Fusion <https://arxiv.org/abs/1908.08498>`_, which compares
    it with other fusions.

    Args:
        in_channels: Channels of each modality.
        learned_absent: A learned embedding instead of zeros for an absent modality.
        init_cfg: Initialisation config.

    Shape:
        - Input: see :class:`FusionOperator`.
        - Output: ``(N, T, sum of D_m)``; zero in the channels of an absent modality.
    """

    def __init__(
        self,
        in_channels: Mapping[str, int],
        *,
        learned_absent: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        channels = sum(in_channels.values())
        super().__init__(
            in_channels,
            out_channels=channels,
            learned_absent=learned_absent,
            init_cfg=init_cfg,
        )
        self.gate = nn.Linear(channels, channels)

    def fuse(self, feats: dict[str, Tensor], present: dict[str, Tensor]) -> Tensor:
        x = torch.cat([feats[name] for name in self.modalities], dim=-1)
        return self.gate(x).sigmoid() * x  # (N, T, sum of D_m)

    def weights(
        self,
        feats: Mapping[str, Tensor],
        presence: Mapping[str, Tensor] | None = None,
    ) -> dict[str, Tensor]:
        """``{modality: (N, T)}``: the mean of its gates, each in 0..1; absent: 0."""
        feats, present = self.prepare(feats, presence)
        x = torch.cat([feats[name] for name in self.modalities], dim=-1)
        gates = self.gate(x).sigmoid().split(list(self.in_channels.values()), dim=-1)
        return {
            name: gate.mean(dim=-1).masked_fill(~present[name][..., 0], 0.0)
            for name, gate in zip(self.modalities, gates)
        }
