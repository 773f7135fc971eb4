"""Fusion by the maximum."""

from __future__ import annotations

from mmaction.registry import MODELS
from torch import Tensor

from .projected import ProjectedFusion


@MODELS.register_module()
class MaxFusion(ProjectedFusion):
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

    def fuse(self, feats: dict[str, Tensor], present: dict[str, Tensor]) -> Tensor:
        here = self.stack_present(present)  # (N, 1, K, 1)
        x = self.projections(feats).masked_fill(~here, float("-inf"))  # (N, T, K, C)
        return x.amax(dim=2).masked_fill(~here.any(dim=2), 0.0)  # (N, T, C)
