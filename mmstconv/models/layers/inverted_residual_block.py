"""Narrow, wide, narrow: residual blocks around a depthwise convolution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mmaction.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor, nn

from .axes import expand
from .conv_block import ConvBlock
from .unpadded_time import as_long_as, beside, lost_in_front


@MODELS.register_module()
class InvertedResidualBlock(BaseModule):
    """1x1 to a wider map, depthwise convolution, 1x1 back, beside a shortcut.

    X3D's block (`X3D: Expanding Architectures for Efficient Video Recognition
    <https://arxiv.org/abs/2004.04730>`_) without its squeeze-and-excitation.

    Args:
        in_channels: Channels of the input.
        channels: Channels of the output.
        ndim: Axes behind the channels.
        expansion: Width of the depthwise convolution over that of the output.
        kernel_size: Of the depthwise convolution; one number, or one per axis.
        stride: The same.
        temporal_padding: As in :class:`ConvBlock`; the shortcut is cut to what is left.
        gate: Weigh the wide channels with :class:`FeatureGate`.
        norm_cfg: Norm layer, or None.
        act_cfg: Activation, or None.

    Shape:
        - Input: ``(N, in_channels, *axes)``.
        - Output: ``(N, channels, *smaller_axes)``.
    """

    path = ("expand", "depthwise", "project")

    def __init__(
        self,
        in_channels: int,
        channels: int,
        *,
        ndim: int = 3,
        expansion: float = 2.25,
        kernel_size: int | Sequence[int] = 3,
        stride: int | Sequence[int] = 1,
        temporal_padding: bool = True,
        gate: bool = False,
        norm_cfg: Mapping | None = None,
        act_cfg: Mapping | None = None,
    ) -> None:
        super().__init__()
        self.out_channels = channels
        wide = int(channels * expansion)
        stride = expand(stride, ndim, "stride")
        kernel = expand(kernel_size, ndim, "kernel_size")
        self.lost = 0 if temporal_padding else lost_in_front(kernel[0])
        rest = dict(ndim=ndim, norm_cfg=norm_cfg)
        self.expand = ConvBlock(
            in_channels, wide, kernel_size=1, act_cfg=act_cfg, **rest
        )
        self.depthwise = ConvBlock(
            wide,
            wide,
            kernel_size=kernel,
            stride=stride,
            temporal_padding=temporal_padding,
            groups=wide,
            act_cfg=act_cfg,
            gate=gate,
            **rest,
        )
        self.project = ConvBlock(wide, channels, kernel_size=1, **rest)
        same = in_channels == channels and set(stride) == {1}
        self.downsample: nn.Module = (
            nn.Identity()
            if same
            else ConvBlock(in_channels, channels, kernel_size=1, stride=stride, **rest)
        )
        self.act = nn.Identity() if act_cfg is None else MODELS.build(dict(act_cfg))

    def forward(self, x: Tensor) -> Tensor:
        residual = self.project(self.depthwise(self.expand(x)))
        shortcut = as_long_as(self.downsample(beside(x, self.lost)), residual)
        return self.act(residual + shortcut)  # (N, channels, *axes)
