"""EfficientNet-Lite in the names of efficientnet-pytorch, as PyPI has it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial

from torch import Tensor

from ...models.backbones.st_archs import ST_ARCHS
from ..layout import Layout

SOURCE = "https://github.com/ml-illustrated/EfficientNet-Lite-PyTorch"
_BLOCK = re.compile(r"_blocks\.(\d+)\.(_\w+?)\.(\w+)")
_LAYERS = {
    "_expand_conv": "expand.conv",
    "_bn0": "expand.bn",
    "_depthwise_conv": "depthwise.conv",
    "_bn1": "depthwise.bn",
    "_project_conv": "project.conv",
    "_bn2": "project.bn",
}
_ENDS = {
    "_conv_stem": "backbone.stages.0.blocks.0.conv",
    "_bn0": "backbone.stages.0.blocks.0.bn",
    "_conv_head": "backbone.stages.8.blocks.0.conv",
    "_bn1": "backbone.stages.8.blocks.0.bn",
    "_fc": "cls_head.fc_cls",
}
# What the option ``inflated`` adds to the arch's name.
_INFLATED = {"none": "", "last": "_top3d", "all": "_3d"}


def _places(arch: str) -> list[tuple[int, int]]:
    """Stage and place in it of each numbered block."""
    stages = ST_ARCHS[arch].stages
    return [
        (number, block)
        for number, stage in enumerate(stages)
        if stage.get("block") == "LinearBottleneckBlock"
        for block in range(stage["num_blocks"])
    ]


def _recognise(arch: str, weights: Mapping[str, Tensor]) -> bool:
    """By the number of blocks and the channels behind the last; none has gates."""
    blocks = len(_places(arch))
    last = weights.get(f"_blocks.{blocks - 1}._project_conv.weight")
    return (
        {"_conv_stem.weight", "_conv_head.weight"} <= set(weights)
        and not any("._se_" in key for key in weights)
        and f"_blocks.{blocks}._project_conv.weight" not in weights
        and last is not None
        and len(last) == ST_ARCHS[arch].stages[-2]["channels"]
    )


def _rename(arch: str) -> Callable[[str], str | None]:
    places = _places(arch)

    def rename(key: str) -> str | None:
        if match := _BLOCK.fullmatch(key):
            number, layer, rest = match.groups()
            if int(number) >= len(places) or layer not in _LAYERS:
                return None
            stage, block = places[int(number)]
            return f"backbone.stages.{stage}.blocks.{block}.{_LAYERS[layer]}.{rest}"
        layer, _, rest = key.rpartition(".")
        return f"{_ENDS[layer]}.{rest}" if layer in _ENDS else None

    return rename


def _backbone(arch: str, weights: Mapping[str, Tensor], inflated: str = "none") -> dict:
    if inflated not in _INFLATED:
        raise ValueError(
            f"inflated is {inflated!r}, must be one of {', '.join(_INFLATED)}"
        )
    name = arch + _INFLATED[inflated]
    if name not in ST_ARCHS:
        raise ValueError(f"there is no {name}: {arch} is for frames alone")
    return dict(type="STConvNet", arch=name)


def _preprocessing(weights: Mapping[str, Tensor]) -> dict:
    """tensorflow/tpu, efficientnet_lite_builder.py: MEAN_RGB and STDDEV_RGB."""
    if weights["_conv_stem.weight"].shape[1] != 3:
        return {}
    return dict(modality="rgb", mean=[127.0] * 3, std=[128.0] * 3, channel_order="RGB")


def _layout(arch: str) -> Layout:
    return Layout(
        name=arch.replace("_", "-"),
        source=SOURCE,
        recognise=partial(_recognise, arch),
        backbone=partial(_backbone, arch),
        rename=_rename(arch),
        preprocessing=_preprocessing,
        notes=(
            "An image network: converts with --inflate, which for one that sees each "
            "frame for itself only adds an axis of length 1 to the kernels."
        ),
        options=dict(inflated="none"),
    )


LAYOUTS: tuple[Layout, ...] = tuple(
    _layout(f"efficientnet_lite{number}") for number in range(3)
)
