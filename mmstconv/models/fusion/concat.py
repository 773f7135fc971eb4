"""Fusion by concatenation."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from mmaction.registry import MODELS
from torch import Tensor

from .base import FusionOperator


@MODELS.register_module()
class ConcatFusion(FusionOperator):
    """Join the channels of all modalities; those of an absent one are zero.

    `Convolutional Two-Stream Network Fusion for Video Action Recognition
    <https://arxiv.org/abs/1604.06573>`_, section 3.1, concatenation.

    Args:
        in_channels: Channels of each modality.
        learned_absent: A learned embedding instead of zeros for an absent modality.
        init_cfg: Initialisation config.

    Shape:
        - Input: see :class:`FusionOperator`.
        - Output: ``(N, T, sum of D_m)``.
    """

    def __init__(
        self,
        in_channels: Mapping[str, int],
        *,
        learned_absent: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(
            in_channels,
            out_channels=sum(in_channels.values()),
            learned_absent=learned_absent,
            init_cfg=init_cfg,
        )

    def fuse(self, feats: dict[str, Tensor], present: dict[str, Tensor]) -> Tensor:
        return torch.cat(
            [feats[name] for name in self.modalities], dim=-1
        )  # (N, T, sum of D_m)
