"""Narrow, wide, narrow, without an activation on the narrow maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mmaction.registry import MODELS
from mmcv.cnn.bricks import DropPath
from mmengine.model import BaseModule
from torch import Tensor, nn

from .axes import expand
from .conv_block import ConvBlock
from .unpadded_time import as_long_as, beside, lost_in_front


@MODELS.register_module()
class LinearBottleneckBlock(BaseModule):
    """1x1 to a wider map, depthwise convolution, 1x1 back; a shortcut if shapes agree.

    The block of MobileNetV2 (`Inverted Residuals and Linear Bottlenecks
    <https://arxiv.org/abs/1801.04381>`_) and, without squeeze-and-excitation, of
    EfficientNet-Lite. Beside :class:`InvertedResidualBlock` (X3D's) it has no
    activation after the sum, no projection in the shortcut, and its width follows the
    input.

    Args:
        in_channels: Channels of the input.
        channels: Channels of the output.
        ndim: Axes behind the channels.
        expansion: Width of the depthwise convolution over that of the input; 1 leaves
            out the convolution that widens.
        kernel_size: Of the depthwise convolution; one number, or one per axis.
        stride: The same.
        temporal_padding: As in :class:`ConvBlock`; the shortcut is cut to what is left.
        drop_path: Share of clips in training that go through the shortcut alone.
        conv_cfg: Layer of all its convolutions; ``Conv{ndim}d`` if None.
        norm_cfg: Norm layer, or None.
        act_cfg: Activation, or None.

    Shape:
        - Input: ``(N, in_channels, *axes)``.
        - Output: ``(N, channels, *smaller_axes)``.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        *,
        ndim: int = 3,
        expansion: int = 6,
        kernel_size: int | Sequence[int] = 3,
        stride: int | Sequence[int] = 1,
        temporal_padding: bool = True,
        drop_path: float = 0.0,
        conv_cfg: Mapping | None = None,
        norm_cfg: Mapping | None = None,
        act_cfg: Mapping | None = None,
    ) -> None:
        super().__init__()
        self.out_channels = channels
        wide = in_channels * expansion
        stride = expand(stride, ndim, "stride")
        kernel = expand(kernel_size, ndim, "kernel_size")
        self.lost = 0 if temporal_padding else lost_in_front(kernel[0])
        rest = dict(ndim=ndim, conv_cfg=conv_cfg, norm_cfg=norm_cfg)
        self.expand: nn.Module = (
            nn.Identity()
            if expansion == 1
            else ConvBlock(in_channels, wide, kernel_size=1, act_cfg=act_cfg, **rest)
        )
        self.depthwise = ConvBlock(
            wide,
            wide,
            kernel_size=kernel,
            stride=stride,
            temporal_padding=temporal_padding,
            groups=wide,
            act_cfg=act_cfg,
            **rest,
        )
        self.project = ConvBlock(wide, channels, kernel_size=1, **rest)
        self.has_shortcut = in_channels == channels and set(stride) == {1}
        self.drop_path: nn.Module = DropPath(drop_path) if drop_path else nn.Identity()

    # What runs beside the shortcut, for window_of and the streaming network.
    path = ("expand", "depthwise", "project")

    def forward(self, x: Tensor) -> Tensor:
        residual = self.project(self.depthwise(self.expand(x)))
        if not self.has_shortcut:
            return residual  # (N, channels, *smaller_axes)
        shortcut = as_long_as(beside(x, self.lost), residual)
        return self.drop_path(residual) + shortcut  # (N, channels, *axes)
