"""3D convolutions other than ``Conv3d``, for ``conv_cfg``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import torch.nn.functional as F
from mmaction.registry import MODELS
from mmcv.cnn import build_norm_layer
from mmengine.model import BaseModule
from torch import Tensor, nn

from .axes import expand, same_padding


@MODELS.register_module()
class SeparableConv3d(BaseModule):
    """A convolution over space, norm, ReLU, then one over time.

    The factorization of S3D (`Rethinking Spatiotemporal Feature Learning
    <https://arxiv.org/abs/1712.04851>`_), whose middle is as wide as the output.
    MMAction2's ``Conv2plus1d`` is the same with R(2+1)D's rule for the middle.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        kernel_size: One number or ``(t, h, w)``.
        stride: The same.
        padding: The same.
        dilation: The same; only 1.
        groups: Only 1.
        bias: Biases of both convolutions.
        mid_channels: Channels between the two; ``out_channels`` if None.
        norm_cfg: The norm between the two, or None.

    Raises:
        ValueError: ``dilation`` or ``groups`` is not 1.
    """

    transposed = False
    output_padding = (0, 0, 0)

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] = 1,
        padding: int | Sequence[int] = 0,
        dilation: int | Sequence[int] = 1,
        groups: int = 1,
        bias: bool = True,
        *,
        mid_channels: int | None = None,
        norm_cfg: Mapping | None = MappingProxyType({"type": "BN3d"}),
    ) -> None:
        super().__init__()
        if groups != 1 or expand(dilation, 3, "dilation") != (1, 1, 1):
            raise ValueError(
                f"SeparableConv3d has no groups and no dilation, got groups={groups}, "
                f"dilation={dilation}"
            )
        mid = out_channels if mid_channels is None else mid_channels
        t, h, w = expand(kernel_size, 3, "kernel_size")
        stride_t, stride_h, stride_w = expand(stride, 3, "stride")
        pad_t, pad_h, pad_w = expand(padding, 3, "padding")
        # what ConvModule reads off a convolution
        self.in_channels, self.out_channels = in_channels, out_channels
        self.kernel_size, self.stride = (t, h, w), (stride_t, stride_h, stride_w)
        self.padding, self.dilation = (pad_t, pad_h, pad_w), (1, 1, 1)
        self.groups = 1
        self.conv_s = nn.Conv3d(
            in_channels,
            mid,
            (1, h, w),
            stride=(1, stride_h, stride_w),
            padding=(0, pad_h, pad_w),
            bias=bias,
        )
        self.bn_s = (
            nn.Identity()
            if norm_cfg is None
            else build_norm_layer(dict(norm_cfg), mid)[1]
        )
        self.relu = nn.ReLU(inplace=True)
        self.conv_t = nn.Conv3d(
            mid,
            out_channels,
            (t, 1, 1),
            stride=(stride_t, 1, 1),
            padding=(pad_t, 0, 0),
            bias=bias,
        )
        self.init_weights()

    def init_weights(self) -> None:
        """He initialisation of both convolutions."""
        for conv in (self.conv_s, self.conv_t):
            nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")
            if conv.bias is not None:
                nn.init.zeros_(conv.bias)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.bn_s(self.conv_s(x)))  # (N, mid, T, H', W')
        return self.conv_t(x)  # (N, C', T', H', W')


@MODELS.register_module()
class Conv3dSame(nn.Conv3d):
    """``Conv3d`` with TensorFlow's "SAME" padding, found from the input's size.

    Where strides and even sizes meet, it pads one more after than before; no fixed
    ``padding`` can. I3D's stem needs it. ``padding`` is accepted and not used.

    Shape:
        - Output: ``ceil(length / stride)`` along each axis.
    """

    pads_itself = True

    def __init__(self, in_channels, out_channels, kernel_size, **kwargs) -> None:
        super().__init__(
            in_channels, out_channels, kernel_size, **{**kwargs, "padding": 0}
        )

    def forward(self, x: Tensor) -> Tensor:
        pads: list[int] = []
        for length, size, stride in zip(x.shape[2:], self.kernel_size, self.stride):
            pads = [*same_padding(length, size, stride), *pads]  # last axis first
        return super().forward(F.pad(x, pads))
