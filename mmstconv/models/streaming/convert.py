"""From a trunk's layers to nodes that are fed piece by piece."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce, singledispatch

import torch
import torch.nn.functional as F
from mmaction.models.common import Conv2plus1d
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from ...private_names import batch_norm_class
from ..backbones.trunk import Stage
from ..layers import (
    BottleneckBlock,
    Conv3dSame,
    ConvBlock,
    FeatureGate,
    FoldedConv3d,
    InceptionBlock,
    InvertedResidualBlock,
    LinearBottleneckBlock,
    PadShortcut,
    Pool,
    ResidualBlock,
    SeparableConv3d,
    SpatioTemporalPool,
)
from .nodes import Chain, Node, Parallel, Pointwise, Skip, Sliding

_POINTWISE = (
    nn.Identity,
    nn.Dropout,
    nn.ReLU,
    nn.ReLU6,
    nn.LeakyReLU,
    nn.SiLU,
    nn.GELU,
)


@singledispatch
def streamed(layer: nn.Module) -> Node:
    """The node that computes what ``layer`` in evaluation mode does.

    Batch norms are folded into the convolutions before them, so weights are copied.

    Raises:
        ValueError: The layer pads time, reads the whole clip, or is unknown.
    """
    if isinstance(layer, _POINTWISE):
        return Pointwise(layer)
    raise ValueError(f"{type(layer).__name__} cannot be run on a stream of frames")


@streamed.register
def _(layer: nn.Sequential) -> Node:
    return Chain([streamed(one) for one in layer])


@streamed.register
def _(layer: Stage) -> Node:
    return Chain([streamed(layer.blocks), streamed(layer.pool)])


@streamed.register
def _(layer: SpatioTemporalPool) -> Node:
    return Chain([streamed(layer.temporal), streamed(layer.spatial)])


@streamed.register
def _(layer: Pool) -> Node:
    (size, *over_space), (stride, *strides) = layer.size, layer.stride
    nodes: list[Node] = []
    if size > 1 or stride > 1:
        _refuse_padding(layer, layer.padding == "same" or layer.padding[0] > 0)
        nodes.append(Sliding(_OVER_TIME[layer.mode], size, stride))
    if over_space != [1, 1] or strides != [1, 1]:
        padding = layer.padding if layer.padding == "same" else layer.padding[1:]
        pool = Pool(
            mode=layer.mode,
            size=over_space,
            stride=strides,
            padding=padding,
            name=layer.name,
        )
        nodes.append(Pointwise(pool))
    return Chain(nodes)


def _largest(frames: Sequence[Tensor]) -> Tensor:
    return reduce(torch.maximum, frames)


def _mean(frames: Sequence[Tensor]) -> Tensor:
    return sum(frames[1:], frames[0]) / len(frames)


_OVER_TIME = {"max": _largest, "avg": _mean}


class FramesConv(nn.Module):
    """A convolution without padding over time, for images of frames side by side."""

    def __init__(self, conv: nn.Conv3d) -> None:
        super().__init__()
        self.groups = conv.groups
        self.space = dict(
            stride=conv.stride[1:],
            padding=conv.padding[1:],
            dilation=conv.dilation[1:],
            groups=conv.groups,
        )
        weight = conv.weight.detach()  # (C', C / groups, k, h, w)
        if conv.groups == 1:
            weight = weight.transpose(1, 2)  # channels of the first frame first
        weight = weight.flatten(1, 2).contiguous(memory_format=torch.channels_last)
        self.register_buffer("weight", weight)
        self.register_buffer("bias", None if conv.bias is None else conv.bias.detach())

    def forward(self, frames: Sequence[Tensor]) -> Tensor:
        if len(frames) == 1:
            x = frames[0]
        elif self.groups == 1:
            x = torch.cat(list(frames), dim=1)  # (N, k * C, H, W)
        else:
            x = torch.stack(list(frames), dim=2).flatten(1, 2)  # (N, C * k, H, W)
        return F.conv2d(x, self.weight, self.bias, **self.space)


@streamed.register
def _(layer: nn.Conv3d) -> Node:
    _refuse_padding(layer, layer.padding[0] > 0)
    reach = layer.dilation[0] * (layer.kernel_size[0] - 1) + 1
    return Sliding(FramesConv(layer), reach, layer.stride[0], layer.dilation[0])


class FoldedFrames(nn.Module):
    """A folded convolution without padding over time, for images of frames."""

    def __init__(self, conv: FoldedConv3d) -> None:
        super().__init__()
        self.conv = conv

    def forward(self, frames: Sequence[Tensor]) -> Tensor:
        return self.conv(torch.stack(list(frames), dim=2))[:, :, 0]  # (N, C', H', W')


@streamed.register
def _(layer: FoldedConv3d) -> Node:
    _refuse_padding(layer, layer.padding[0] > 0)
    return Sliding(FoldedFrames(layer), layer.kernel_size[0], 1)


@streamed.register
def _(layer: Conv3dSame) -> Node:
    _refuse_padding(layer, True)


@streamed.register
def _(layer: nn.BatchNorm3d) -> Node:
    flat = nn.BatchNorm2d(layer.num_features, layer.eps, affine=layer.affine).eval()
    flat.load_state_dict(layer.state_dict())
    return Pointwise(flat)


@streamed.register
def _(layer: FeatureGate) -> Node:
    raise ValueError(
        "FeatureGate weighs channels by the whole clip: it has no steps that "
        "overlapping clips could share"
    )


@streamed.register
def _(layer: ConvBlock) -> Node:
    norm = layer.norm if layer.with_norm else nn.Identity()
    return Chain(
        [
            *_conv_and_norm(layer.conv, norm),
            *([streamed(layer.activate)] if layer.with_activation else ()),
            *([] if isinstance(layer.gate, nn.Identity) else [streamed(layer.gate)]),
        ]
    )


_FUSED = (nn.Conv3d, FoldedConv3d)


def _conv_and_norm(conv: nn.Module, norm: nn.Module) -> list[Node]:
    if isinstance(conv, (SeparableConv3d, Conv2plus1d)):
        return [
            *_conv_and_norm(conv.conv_s, conv.bn_s),
            streamed(conv.relu),
            *_conv_and_norm(conv.conv_t, norm),
        ]
    if isinstance(norm, batch_norm_class()) and type(conv) in _FUSED:
        return [streamed(fuse_conv_bn_eval(conv, norm))]
    nodes = [streamed(conv)]
    return nodes if isinstance(norm, nn.Identity) else [*nodes, streamed(norm)]


@streamed.register(ResidualBlock)
@streamed.register(BottleneckBlock)
@streamed.register(InvertedResidualBlock)
def _(layer: nn.Module) -> Node:
    residual = Chain([streamed(getattr(layer, name)) for name in layer.path])
    shortcut = Chain([Skip(layer.lost), streamed(layer.downsample)])
    return Chain([Parallel([residual, shortcut], _add), streamed(layer.act)])


@streamed.register
def _(layer: LinearBottleneckBlock) -> Node:
    residual = Chain([streamed(getattr(layer, name)) for name in layer.path])
    if not layer.has_shortcut:
        return residual
    return Parallel([residual, Chain([Skip(layer.lost)])], _add)


@streamed.register
def _(layer: PadShortcut) -> Node:
    over_time, *over_space = layer.stride
    flat = PadShortcut(layer.channels, over_space)
    return Sliding(lambda frames: flat(frames[0]), 1, over_time)


def _add(parts: Sequence[Tensor]) -> Tensor:
    return parts[0] + parts[1]


@streamed.register
def _(layer: InceptionBlock) -> Node:
    first, *others = layer.branches
    first = Chain([Skip(layer.lost), streamed(first)])
    return Parallel([first, *(streamed(branch) for branch in others)], _concatenate)


def _concatenate(parts: Sequence[Tensor]) -> Tensor:
    return torch.cat(list(parts), dim=1)


def _refuse_padding(layer: nn.Module, pads: bool) -> None:
    if pads:
        raise ValueError(
            f"{type(layer).__name__} pads time, so its steps depend on where a clip "
            "begins and ends; build the network with temporal_padding=False"
        )
