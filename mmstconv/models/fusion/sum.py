"""Fusion by summation."""

from __future__ import annotations

from mmaction.registry import MODELS
from torch import Tensor

from .projected import ProjectedFusion


@MODELS.register_module()
class SumFusion(ProjectedFusion):
    """Project every modality to the same channels and add.

    `Convolutional Two-Stream Network Fusion for Video Action Recognition
    <https://arxiv.org/abs/1604.06573>`_, section 3.1, sum fusion. There both streams
    have the same channels; the projections make that so for any streams. With K
    modalities of which P are present the sum is scaled by K / P, so that a missing
    one does not shrink the output. Invariant to the order of modalities.

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
        x = self.projections(feats).masked_fill(~here, 0.0)  # (N, T, K, C)
        scale = len(self.modalities) / here.sum(dim=2).clamp(min=1)  # (N, 1, 1)
        return x.sum(dim=2) * scale.to(x.dtype)  # (N, T, C)
