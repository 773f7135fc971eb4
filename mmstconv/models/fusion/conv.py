"""Fusion by a convolution over stacked channels."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from mmaction.registry import MODELS
from torch import Tensor, nn

from .base import FusionOperator


@MODELS.register_module()
class ConvFusion(FusionOperator):
    """Stack the channels of all modalities and convolve.

    `Convolutional Two-Stream Network Fusion for Video Action Recognition
    <https://arxiv.org/abs/1604.06573>`_, section 3.1, conv fusion: ``y_cat * f + b``.
    A ``kernel_size`` above 1 mixes neighbouring time steps, so its output at the
    ends of a clip sees zeros beyond them.

    Args:
        in_channels: Channels of each modality.
        channels: Channels of the output.
        kernel_size: Time steps of the kernel, odd.
        learned_absent: A learned embedding instead of zeros for an absent modality.
        init_cfg: Initialisation config.

    Shape:
        - Input: see :class:`FusionOperator`.
        - Output: ``(N, T, channels)``.

    Raises:
        ValueError: ``kernel_size`` is not odd.
    """

    def __init__(
        self,
        in_channels: Mapping[str, int],
        *,
        channels: int = 256,
        kernel_size: int = 1,
        learned_absent: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        if kernel_size < 1 or kernel_size % 2 == 0:
            raise ValueError(
                f"ConvFusion: kernel_size must be odd and positive, got {kernel_size}"
            )
        super().__init__(
            in_channels,
            out_channels=channels,
            learned_absent=learned_absent,
            init_cfg=init_cfg,
        )
        self.conv = nn.Conv1d(
            sum(self.in_channels.values()),
            channels,
            kernel_size,
            padding=kernel_size // 2,
        )

    def fuse(self, feats: dict[str, Tensor], present: dict[str, Tensor]) -> Tensor:
        x = torch.cat([feats[name] for name in self.modalities], dim=-1)
        return self.conv(x.transpose(1, 2)).transpose(1, 2)  # (N, T, C)
