"""Four branches side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from mmaction.registry import MODELS
from mmengine.model import BaseModule, ModuleList, Sequential
from torch import Tensor

from .conv_block import ConvBlock
from .st_pool import SpatioTemporalPool
from .unpadded_time import beside


@MODELS.register_module()
class InceptionBlock(BaseModule):
    """1x1x1 | 1x1x1, 3x3x3 | 1x1x1, 3x3x3 | max pooling, 1x1x1; concatenated.

    Inception-v1's module inflated as in I3D (`Quo Vadis, Action Recognition?
    <https://arxiv.org/abs/1705.07750>`_). With ``SeparableConv3d`` it is S3D's.

    Args:
        in_channels: Channels of the input.
        channels: The six widths in the order of I3D's table: branch 0; the two of
            branch 1; the two of branch 2; branch 3.
        stride: Only 1: Inception strides in the pooling between its stages.
        conv_cfg: Layer of the two 3x3x3 convolutions; ``Conv3d`` if None.
        temporal_padding: As in :class:`ConvBlock`; branch 0 is cut to what is left.
        gate: A feature gate at the end of each branch (S3D-G).
        ndim: Only 3.
        norm_cfg: Norm layer, or None.
        act_cfg: Activation, or None.

    Shape:
        - Input: ``(N, in_channels, T, H, W)``.
        - Output: ``(N, out_channels, T, H, W)``.

    Raises:
        ValueError: Not six widths, or a stride.
    """

    def __init__(
        self,
        in_channels: int,
        channels: Sequence[int],
        *,
        stride: int | Sequence[int] = 1,
        conv_cfg: Mapping | None = None,
        temporal_padding: bool = True,
        gate: bool = False,
        ndim: int = 3,
        norm_cfg: Mapping | None = None,
        act_cfg: Mapping | None = None,
    ) -> None:
        super().__init__()
        if not isinstance(channels, Sequence) or len(channels) != 6:
            raise ValueError(f"channels: expected 6 widths, got {channels!r}")
        if ndim != 3 or stride not in (1, (1, 1, 1)):
            raise ValueError(
                f"InceptionBlock is 3D and has stride 1, got ndim={ndim}, "
                f"stride={stride}"
            )
        b0, b1_in, b1, b2_in, b2, b3 = channels
        self.out_channels = b0 + b1 + b2 + b3
        rest = dict(norm_cfg=norm_cfg, act_cfg=act_cfg)
        last = dict(kernel_size=1, gate=gate, **rest)
        wide = dict(last, kernel_size=3, conv_cfg=conv_cfg)
        wide["temporal_padding"] = temporal_padding
        self.lost = 0 if temporal_padding else 1
        pool = dict(mode="max", size=3, stride=1, padding=1)
        over_time = dict(pool, padding=1 if temporal_padding else 0)
        self.branches = ModuleList(
            [
                Sequential(ConvBlock(in_channels, b0, **last)),
                Sequential(
                    ConvBlock(in_channels, b1_in, kernel_size=1, **rest),
                    ConvBlock(b1_in, b1, **wide),
                ),
                Sequential(
                    ConvBlock(in_channels, b2_in, kernel_size=1, **rest),
                    ConvBlock(b2_in, b2, **wide),
                ),
                Sequential(
                    SpatioTemporalPool(temporal=over_time, spatial=pool),
                    ConvBlock(in_channels, b3, **last),
                ),
            ]
        )

    def forward(self, x: Tensor) -> Tensor:
        inside = beside(x, self.lost)[:, :, : x.shape[2] - 2 * self.lost]
        first, *others = self.branches
        return torch.cat([first(inside), *(branch(x) for branch in others)], dim=1)
