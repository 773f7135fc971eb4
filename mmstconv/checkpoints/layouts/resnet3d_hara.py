"""3D-ResNets-PyTorch, and torchvision's 2D ResNets, whose keys are the same."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from torch import Tensor

from ...models.backbones.st_archs import ST_ARCHS
from ..layout import Layout

SOURCE = "https://github.com/kenshohara/3D-ResNets-PyTorch"
_BLOCK = re.compile(r"layer([1-4])\.(\d+)\.(conv[123]|bn[123]|downsample\.[01])\.(\w+)")
_DEPTHS = {
    ((2, 2, 2, 2), False): 18,
    ((3, 4, 6, 3), False): 34,
    ((3, 4, 6, 3), True): 50,
}


class _Kind(NamedTuple):
    depth: int
    shortcut: str


def _rename(key: str) -> str | None:
    if key in ("fc.weight", "fc.bias"):
        return f"cls_head.fc_cls.{key[3:]}"
    layer, _, rest = key.rpartition(".")
    if layer in ("conv1", "bn1"):
        return f"backbone.stages.0.blocks.0.{layer[:-1]}.{rest}"
    match = _BLOCK.fullmatch(key)
    if match is None:
        return None
    stage, block, part, rest = match.groups()
    if part.startswith("downsample"):
        part = f"downsample.{dict(zip('01', ('conv', 'bn')))[part[-1]]}"
    else:  # conv2 and bn2 are one block here
        part = f"conv{part[-1]}.{part[:-1]}"
    return f"backbone.stages.{stage}.blocks.{block}.{part}.{rest}"


def has_resnet_keys(weights: Mapping[str, Tensor], ndim: int) -> bool:
    """The key style, of whatever network, on convolutions over ``ndim`` axes."""
    wanted = {"conv1.weight", "layer1.0.conv1.weight", "layer4.0.conv1.weight"}
    return wanted <= set(weights) and weights["conv1.weight"].dim() == ndim + 2


def depths(weights: Mapping[str, Tensor]) -> tuple[int, ...]:
    """Blocks of layer1 to layer4."""
    blocks = {match.groups()[:2] for match in map(_BLOCK.fullmatch, weights) if match}
    return tuple(sum(layer == number for layer, _ in blocks) for number in "1234")


def _kind(weights: Mapping[str, Tensor], ndim: int) -> _Kind | None:
    """Depth and shortcut, or None for a network that we do not have."""
    if not has_resnet_keys(weights, ndim):
        return None
    deep = "layer1.0.conv3.weight" in weights
    depth = _DEPTHS.get((depths(weights), deep))
    widths = {
        "conv1.weight": (64, None, *[7] * ndim),  # None: any number of input channels
        "layer1.0.conv2.weight": (64, 64, *[3] * ndim),  # grouped or wide: others
        "layer2.0.bn1.weight": (128,),  # the block's input, where norm comes first
    }
    if deep:
        widths["layer1.0.conv3.weight"] = (256, 64, *[1] * ndim)
    if depth is None or not all(_fits(weights, *item) for item in widths.items()):
        return None
    projection = any(".downsample." in key for key in weights)
    if deep and not projection:
        return None
    return _Kind(depth, "B" if projection else "A")


def _fits(weights: Mapping[str, Tensor], key: str, wanted: tuple) -> bool:
    shape = tuple(weights[key].shape) if key in weights else ()
    return len(shape) == len(wanted) and all(
        want in (None, got) for got, want in zip(shape, wanted)
    )


def _backbone(ndim: int) -> Callable[..., dict]:
    def backbone(
        weights: Mapping[str, Tensor],
        conv1_t_stride: int = 1,
        no_max_pool: bool = False,
    ) -> dict:
        kind = _kind(weights, ndim)
        arch = f"hara_r3d_{kind.depth}"
        if kind.shortcut == "A":
            arch += "_shortcut_a"
        if conv1_t_stride == 1 and not no_max_pool:
            return dict(type="STConvNet", arch=arch)
        if conv1_t_stride < 1:
            raise ValueError(f"conv1_t_stride is {conv1_t_stride}, must be at least 1")
        stem, *stages = (dict(stage) for stage in ST_ARCHS[arch].stages)
        stem["stride"] = (conv1_t_stride, 2, 2)
        if no_max_pool:
            del stem["temporal_pool"], stem["spatial_pool"]
        return dict(type="STConvNet", stages=[stem, *stages])

    return backbone


def _preprocessing(weights: Mapping[str, Tensor]) -> dict:
    """ActivityNet's mean for the files of 2018, Kinetics' mean and std since 2020.

    The files of 2018 have shortcut A or were written before torch 0.4.1, which began
    to count the batches of a norm.
    """
    if weights["conv1.weight"].shape[1] != 3:
        return {}
    counted = any(key.endswith("num_batches_tracked") for key in weights)
    if counted and _kind(weights, 3).shortcut == "B":
        mean = [round(255 * value, 4) for value in (0.4345, 0.4051, 0.3775)]
        std = [round(255 * value, 4) for value in (0.2768, 0.2713, 0.2737)]
    else:
        mean = [114.7748, 107.7354, 99.4750]
        std = [1.0, 1.0, 1.0]
    return dict(
        modality="rgb", mean=mean, std=std, channel_order="RGB", clip=[16, 112, 112]
    )


def _preprocessing_2d(weights: Mapping[str, Tensor]) -> dict:
    if weights["conv1.weight"].shape[1] != 3:
        return {}
    return dict(
        modality="rgb",
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        channel_order="RGB",
    )


LAYOUTS: tuple[Layout, ...] = (
    Layout(
        name="3d-resnets-pytorch",
        source=SOURCE,
        recognise=lambda weights: _kind(weights, 3) is not None,
        backbone=_backbone(3),
        rename=_rename,
        preprocessing=_preprocessing,
        notes=(
            "Mean and std are the defaults of the project's version that wrote the "
            "file; its option --mean_dataset leaves no trace in the weights."
        ),
        options=dict(conv1_t_stride=1, no_max_pool=False),
    ),
    Layout(
        name="torchvision-resnet2d",
        source="https://github.com/pytorch/vision/blob/main/torchvision/models/resnet.py",
        recognise=lambda weights: _kind(weights, 2) is not None,
        backbone=_backbone(2),
        rename=_rename,
        preprocessing=_preprocessing_2d,
        notes=(
            "An image network: converts only inflated (--inflate), into a 3D ResNet "
            "whose stem also pools over time."
        ),
    ),
)
