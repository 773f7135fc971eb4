"""Convolution, norm, activation: the unit every trunk is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from inspect import signature

from mmaction.registry import MODELS
from mmcv.cnn import ConvModule
from torch import Tensor, nn

from .axes import expand
from .feature_gate import FeatureGate
from .unpadded_time import without_time


@MODELS.register_module()
class ConvBlock(ConvModule):
    """Convolution, norm and activation over 1, 2 or 3 axes.

    Args:
        in_channels: Channels of the input.
        channels: Channels of the output.
        ndim: 1 for sound, 2 for log-mel as an image, 3 for video.
        kernel_size: One number, or one per axis.
        stride: The same.
        padding: The same; half the kernel if None, which keeps the size.
        temporal_padding: Pad the first axis; without, time gets shorter, and no step
            depends on where the clip begins or ends.
        dilation: The same.
        groups: Groups of the convolution.
        conv_cfg: Convolution layer; ``Conv{ndim}d`` if None. ``SeparableConv3d``
            splits it into space and time, ``Conv3dSame`` pads as TensorFlow does.
        norm_cfg: Norm layer, or None: then the convolution has a bias.
        act_cfg: Activation, or None.
        gate: Weigh the channels with :class:`FeatureGate` afterwards (S3D-G).

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
        kernel_size: int | Sequence[int] = 3,
        stride: int | Sequence[int] = 1,
        padding: int | Sequence[int] | None = None,
        temporal_padding: bool = True,
        dilation: int | Sequence[int] = 1,
        groups: int = 1,
        conv_cfg: Mapping | None = None,
        norm_cfg: Mapping | None = None,
        act_cfg: Mapping | None = None,
        gate: bool = False,
    ) -> None:
        kernel = expand(kernel_size, ndim, "kernel_size")
        dilations = expand(dilation, ndim, "dilation")
        if padding is None:
            padding = tuple(d * (size // 2) for size, d in zip(kernel, dilations))
        conv_cfg = dict(conv_cfg or dict(type=f"Conv{ndim}d"))
        # MMCV looks in the default scope only, which need not be set.
        layer = MODELS.get(conv_cfg["type"])
        if layer is None:
            raise ValueError(f"conv_cfg: no layer {conv_cfg['type']!r} in MODELS")
        conv_cfg["type"] = layer
        padding = expand(padding, ndim, "padding")
        if not temporal_padding:
            padding = without_time(padding, layer)
        # Convolutions in two steps have a norm of their own in between.
        if norm_cfg is not None and "norm_cfg" in signature(layer).parameters:
            conv_cfg.setdefault("norm_cfg", dict(norm_cfg))
        super().__init__(
            in_channels,
            channels,
            kernel,
            stride=expand(stride, ndim, "stride"),
            padding=padding,
            dilation=dilations,
            groups=groups,
            conv_cfg=conv_cfg,
            norm_cfg=None if norm_cfg is None else dict(norm_cfg),
            act_cfg=None if act_cfg is None else dict(act_cfg),
            efficient_conv_bn_eval=getattr(layer, "folds_norm", False),
        )
        self.gate: nn.Module = FeatureGate(channels) if gate else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.gate(super().forward(x))  # (N, channels, *smaller_axes)
