"""From a trunk's layers to nodes that are fed piece by piece."""

from __future__ import annotations

from functools import singledispatch

import torch
from mmaction.models.common import Conv2plus1d
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils.fusion import fuse_conv_bn_eval

from ..backbones.trunk import Stage
from ..layers import (
    BottleneckBlock,
    Conv3dSame,
    ConvBlock,
    FeatureGate,
    InceptionBlock,
    InvertedResidualBlock,
    Pool,
    ResidualBlock,
    SeparableConv3d,
    SpatioTemporalPool,
)
from .nodes import Chain, Node, Parallel, Pointwise, Skip, Sliding

_POINTWISE = (nn.Identity, nn.Dropout, _BatchNorm, nn.ReLU, nn.LeakyReLU, nn.SiLU)


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
    size, stride = layer.size[0], layer.stride[0]
    if layer.padding == "same":
        _refuse_padding(layer, any_padding=size > 1 or stride > 1)
    else:
        _refuse_padding(layer, layer.padding[0])
    return Sliding(layer, size, stride)


@streamed.register
def _(layer: nn.Conv3d) -> Node:
    _refuse_padding(layer, layer.padding[0])
    reach = layer.dilation[0] * (layer.kernel_size[0] - 1) + 1
    return Sliding(layer, reach, layer.stride[0])


@streamed.register
def _(layer: Conv3dSame) -> Node:
    _refuse_padding(layer, any_padding=True)


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


def _conv_and_norm(conv: nn.Module, norm: nn.Module) -> list[Node]:
    if isinstance(conv, (SeparableConv3d, Conv2plus1d)):
        return [
            *_conv_and_norm(conv.conv_s, conv.bn_s),
            streamed(conv.relu),
            *_conv_and_norm(conv.conv_t, norm),
        ]
    if isinstance(norm, _BatchNorm) and type(conv) is nn.Conv3d:
        return [streamed(fuse_conv_bn_eval(conv, norm))]
    nodes = [streamed(conv)]
    return nodes if isinstance(norm, nn.Identity) else [*nodes, streamed(norm)]


@streamed.register(ResidualBlock)
@streamed.register(BottleneckBlock)
@streamed.register(InvertedResidualBlock)
def _(layer: nn.Module) -> Node:
    names = {
        ResidualBlock: ("conv1", "conv2"),
        BottleneckBlock: ("conv1", "conv2", "conv3"),
        InvertedResidualBlock: ("expand", "depthwise", "project"),
    }[type(layer)]
    residual = Chain([streamed(getattr(layer, name)) for name in names])
    down = layer.downsample
    shortcut = Chain([Skip(layer.lost), _shortcut(down, residual.stride)])
    return Chain([Parallel([residual, shortcut], _add), streamed(layer.act)])


def _shortcut(down: nn.Module, stride: int) -> Node:
    if isinstance(down, (nn.Identity, ConvBlock)):
        return streamed(down)
    return Sliding(down, 1, stride)  # every stride-th frame, without parameters


def _add(parts: list[Tensor]) -> Tensor:
    return parts[0] + parts[1]


@streamed.register
def _(layer: InceptionBlock) -> Node:
    first, *others = layer.branches
    first = Chain([Skip(layer.lost), streamed(first)])
    return Parallel([first, *(streamed(branch) for branch in others)], _concatenate)


def _concatenate(parts: list[Tensor]) -> Tensor:
    return torch.cat(parts, dim=1)


def _refuse_padding(layer: nn.Module, any_padding: bool | int) -> None:
    if any_padding:
        raise ValueError(
            f"{type(layer).__name__} pads time, so its steps depend on where a clip "
            "begins and ends; build the network with temporal_padding=False"
        )
