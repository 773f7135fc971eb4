"""The residual block of PANNs' waveform networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mmaction.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor, nn

from .axes import expand
from .conv_block import ConvBlock
from .pooling import Pool


def _shrink(mode: str, stride: Sequence[int]) -> nn.Module:
    if set(stride) == {1}:
        return nn.Identity()
    return Pool(
        mode=mode,
        size=stride,
        stride=stride,
        padding=(0,) * len(stride),
        name=f"WaveResidualBlock: {mode} pooling",
    )


@MODELS.register_module()
class WaveResidualBlock(BaseModule):
    """Two convolutions, the second one dilated, beside a shortcut.

    `PANNs: Large-Scale Pretrained Audio Neural Networks for Audio Pattern
    Recognition <https://arxiv.org/abs/1912.10211>`_. No convolution strides:
    maximum pooling shortens the input of the first one, average pooling that of the
    shortcut.

    Args:
        in_channels: Channels of the input.
        channels: Channels of both convolutions.
        ndim: Axes behind the channels.
        kernel_size: Of both convolutions; one number, or one per axis.
        stride: Window and step of both poolings; the same.
        dilation: Of the second convolution; the same.
        dropout: Probability between the convolutions.
        norm_cfg: Norm layer, or None.
        act_cfg: Activation, or None.

    Shape:
        - Input: ``(N, in_channels, *axes)``.
        - Output: ``(N, channels, *(axes // stride))``.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        *,
        ndim: int = 1,
        kernel_size: int | Sequence[int] = 3,
        stride: int | Sequence[int] = 1,
        dilation: int | Sequence[int] = 2,
        dropout: float = 0.1,
        norm_cfg: Mapping | None = None,
        act_cfg: Mapping | None = None,
    ) -> None:
        super().__init__()
        self.out_channels = channels
        stride = expand(stride, ndim, "stride")
        rest = dict(ndim=ndim, norm_cfg=norm_cfg)
        self.pool = _shrink("max", stride)
        self.conv1 = ConvBlock(
            in_channels, channels, kernel_size=kernel_size, act_cfg=act_cfg, **rest
        )
        self.dropout = nn.Dropout(dropout)
        self.conv2 = ConvBlock(
            channels, channels, kernel_size=kernel_size, dilation=dilation, **rest
        )
        self.shortcut_pool = _shrink("avg", stride)
        self.downsample: nn.Module = nn.Identity()
        if in_channels != channels or set(stride) != {1}:
            self.downsample = ConvBlock(in_channels, channels, kernel_size=1, **rest)
        self.act = nn.Identity() if act_cfg is None else MODELS.build(dict(act_cfg))

    def forward(self, x: Tensor) -> Tensor:
        residual = self.conv1(self.pool(x))  # (N, channels, *smaller_axes)
        residual = self.conv2(self.dropout(residual))
        return self.act(residual + self.downsample(self.shortcut_pool(x)))
