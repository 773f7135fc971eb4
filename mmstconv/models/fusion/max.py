"""Fusion by the maximum."""

from __future__ import annotations

from collections.abc import Mapping

from mmaction.registry import MODELS
from torch import Tensor

from .base import FusionOperator, ModalityLinear


@MODELS.register_module()
class MaxFusion(FusionOperator):
    """Project every modality to the same channels and keep the largest.

    `Convolutional Two-Stream Network Fusion for Video Action Recognition
    <https://arxiv.org/abs/1604.06573>`_, section 3.1, max fusion, over the modalities
    that are present. Invariant to the order of modalities.

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
            out_channels=channels,
            learned_absent=learned_absent,
            init_cfg=init_cfg,
        )
        self.projections = ModalityLinear(self.in_channels, channels)

    def fuse(self, feats: dict[str, Tensor], present: dict[str, Tensor]) -> Tensor:
        here = self.stack_present(present)  # (N, 1, K, 1)
        x = self.projections(feats).masked_fill(~here, float("-inf"))  # (N, T, K, C)
        return x.amax(dim=2).masked_fill(~here.any(dim=2), 0.0)  # (N, T, C)
