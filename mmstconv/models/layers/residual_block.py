"""Residual blocks over time and space."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch.nn.functional as F
from mmaction.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor, nn

from .axes import expand
from .conv_block import ConvBlock
from .unpadded_time import as_long_as, beside, lost_in_front


class PadShortcut(nn.Module):
    """Every ``stride``-th position, and zeros for the channels that are missing.

    He 2016's shortcut "A"; without parameters.
    """

    def __init__(self, channels: int, stride: Sequence[int]) -> None:
        super().__init__()
        self.channels = channels
        self.stride = tuple(stride)

    def forward(self, x: Tensor) -> Tensor:
        x = x[(..., *(slice(None, None, step) for step in self.stride))]
        missing = self.channels - x.shape[1]
        return F.pad(x, [0, 0] * len(self.stride) + [0, missing])


def _shortcut(
    kind: str,
    in_channels: int,
    channels: int,
    stride: Sequence[int],
    ndim: int,
    norm_cfg: Mapping | None,
) -> nn.Module:
    if kind not in ("projection", "pad"):
        raise ValueError(f"shortcut must be 'projection' or 'pad', got {kind!r}")
    if in_channels == channels and set(stride) == {1}:
        return nn.Identity()
    if kind == "pad":
        return PadShortcut(channels, stride)
    return ConvBlock(
        in_channels,
        channels,
        ndim=ndim,
        kernel_size=1,
        stride=stride,
        norm_cfg=norm_cfg,
    )


@MODELS.register_module()
class ResidualBlock(BaseModule):
    """Two convolutions beside a shortcut (ResNet-18 and -34).

    `A Closer Look at Spatiotemporal Convolutions for Action Recognition
    <https://arxiv.org/abs/1711.11248>`_: with ``Conv3d`` it is R3D's block, with a
    kernel of ``(1, 3, 3)`` MC3's upper one, with ``Conv2plus1d`` R(2+1)D's.

    Args:
        in_channels: Channels of the input.
        channels: Channels of both convolutions.
        ndim: Axes behind the channels.
        kernel_size: Of both convolutions; one number, or one per axis.
        stride: Of the first convolution; the same.
        temporal_padding: As in :class:`ConvBlock`; the shortcut is cut to what is left.
        shortcut: Where the shape changes: ``'projection'`` (1x1 convolution and
            norm) or ``'pad'`` (no parameters).
        conv_cfg: Convolution layer of both; ``Conv{ndim}d`` if None.
        norm_cfg: Norm layer, or None.
        act_cfg: Activation, or None.

    Shape:
        - Input: ``(N, in_channels, *axes)``.
        - Output: ``(N, channels, *smaller_axes)``.
    """

    path = ("conv1", "conv2")

    def __init__(
        self,
        in_channels: int,
        channels: int,
        *,
        ndim: int = 3,
        kernel_size: int | Sequence[int] = 3,
        stride: int | Sequence[int] = 1,
        temporal_padding: bool = True,
        shortcut: str = "projection",
        conv_cfg: Mapping | None = None,
        norm_cfg: Mapping | None = None,
        act_cfg: Mapping | None = None,
    ) -> None:
        super().__init__()
        self.out_channels = channels
        stride = expand(stride, ndim, "stride")
        kernel = expand(kernel_size, ndim, "kernel_size")
        conv = dict(
            ndim=ndim,
            kernel_size=kernel,
            temporal_padding=temporal_padding,
            conv_cfg=conv_cfg,
            norm_cfg=norm_cfg,
        )
        lost = lost_in_front(kernel[0], stride[0], lost_in_front(kernel[0]))
        self.lost = 0 if temporal_padding else lost
        self.conv1 = ConvBlock(
            in_channels, channels, stride=stride, act_cfg=act_cfg, **conv
        )
        self.conv2 = ConvBlock(channels, channels, **conv)
        self.downsample = _shortcut(
            shortcut, in_channels, channels, stride, ndim, norm_cfg
        )
        self.act = nn.Identity() if act_cfg is None else MODELS.build(dict(act_cfg))

    def forward(self, x: Tensor) -> Tensor:
        residual = self.conv2(self.conv1(x))  # (N, channels, *smaller_axes)
        shortcut = self.downsample(beside(x, self.lost))
        return self.act(residual + as_long_as(shortcut, residual))


@MODELS.register_module()
class BottleneckBlock(BaseModule):
    """1x1, 3x3 and 1x1 convolutions beside a shortcut (ResNet-50).

    The stride is the middle convolution's, as in torchvision and
    3D-ResNets-PyTorch.

    Args:
        in_channels: Channels of the input.
        channels: Channels of the output.
        ndim: Axes behind the channels.
        mid_channels: Channels of the first two convolutions; a quarter of
            ``channels`` if None.
        kernel_size: Of the middle convolution; one number, or one per axis.
        stride: The same.
        temporal_padding: As in :class:`ConvBlock`; the shortcut is cut to what is left.
        shortcut: As in :class:`ResidualBlock`.
        conv_cfg: The middle convolution; ``Conv{ndim}d`` if None.
        norm_cfg: Norm layer, or None.
        act_cfg: Activation, or None.

    Shape:
        - Input: ``(N, in_channels, *axes)``.
        - Output: ``(N, channels, *smaller_axes)``.
    """

    path = ("conv1", "conv2", "conv3")

    def __init__(
        self,
        in_channels: int,
        channels: int,
        *,
        ndim: int = 3,
        mid_channels: int | None = None,
        kernel_size: int | Sequence[int] = 3,
        stride: int | Sequence[int] = 1,
        temporal_padding: bool = True,
        shortcut: str = "projection",
        conv_cfg: Mapping | None = None,
        norm_cfg: Mapping | None = None,
        act_cfg: Mapping | None = None,
    ) -> None:
        super().__init__()
        self.out_channels = channels
        mid = channels // 4 if mid_channels is None else mid_channels
        stride = expand(stride, ndim, "stride")
        kernel = expand(kernel_size, ndim, "kernel_size")
        self.lost = 0 if temporal_padding else lost_in_front(kernel[0])
        rest = dict(ndim=ndim, norm_cfg=norm_cfg)
        self.conv1 = ConvBlock(in_channels, mid, kernel_size=1, act_cfg=act_cfg, **rest)
        self.conv2 = ConvBlock(
            mid,
            mid,
            kernel_size=kernel,
            stride=stride,
            temporal_padding=temporal_padding,
            conv_cfg=conv_cfg,
            act_cfg=act_cfg,
            **rest,
        )
        self.conv3 = ConvBlock(mid, channels, kernel_size=1, **rest)
        self.downsample = _shortcut(
            shortcut, in_channels, channels, stride, ndim, norm_cfg
        )
        self.act = nn.Identity() if act_cfg is None else MODELS.build(dict(act_cfg))

    def forward(self, x: Tensor) -> Tensor:
        residual = self.conv3(self.conv2(self.conv1(x)))  # (N, channels, *axes)
        shortcut = self.downsample(beside(x, self.lost))
        return self.act(residual + as_long_as(shortcut, residual))
