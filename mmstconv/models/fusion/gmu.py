"""Fusion by a gated multimodal unit."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from mmaction.registry import MODELS
from torch import Tensor

from .base import ModalityLinear, masked_softmax
from .projected import ProjectedFusion


@MODELS.register_module()
class GatedMultimodalUnit(ProjectedFusion):
    """Per channel, a mixture of modalities whose shares depend on all of them.

    `Gated Multimodal Units for Information Fusion
    <https://arxiv.org/abs/1702.01992>`_, its bimodal unit:
    ``h_m = tanh(W_m x_m)``, ``z = sigmoid(W_z [x_1, x_2])``,
    ``h = z * h_1 + (1 - z) * h_2``. For any number of modalities z becomes a softmax
    over those present, which for two is that sigmoid (the paper's unit for more has
    independent sigmoids, whose scale would depend on how many are present).

    Args:
        in_channels: Channels of each modality.
        channels: Channels of the output.
        learned_absent: A learned embedding for an absent modality.
        init_cfg: Initialisation config.

    Shape:
        - Input: see :class:`FusionOperator`.
        - Output: ``(N, T, channels)``; zero where no modality is present.
    """

    def __init__(
        self,
        in_channels: Mapping[str, int],
        *,
        channels: int = 256,
        learned_absent: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(
            in_channels,
            channels=channels,
            learned_absent=learned_absent,
            init_cfg=init_cfg,
        )
        total = sum(self.in_channels.values())
        self.gates = ModalityLinear(dict.fromkeys(self.modalities, total), channels)

    def fuse(self, feats: dict[str, Tensor], present: dict[str, Tensor]) -> Tensor:
        hidden = self.projections(feats).tanh()  # (N, T, K, C)
        return (self.shares(feats, present) * hidden).sum(dim=2)  # (N, T, C)

    def shares(self, feats: dict[str, Tensor], present: dict[str, Tensor]) -> Tensor:
        """The gates, ``(N, T, K, C)``; their sum over present modalities is 1."""
        x = torch.cat([feats[name] for name in self.modalities], dim=-1)
        logits = self.gates(dict.fromkeys(self.modalities, x))  # (N, T, K, C)
        return masked_softmax(logits, self.stack_present(present), dim=2)

    def weights(
        self,
        feats: Mapping[str, Tensor],
        presence: Mapping[str, Tensor] | None = None,
    ) -> dict[str, Tensor]:
        """``{modality: (N, T)}``: the mean of its gates; of sum 1, absent: 0."""
        return self.split(self.shares(*self.prepare(feats, presence)).mean(dim=-1))
