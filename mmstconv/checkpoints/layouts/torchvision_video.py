"""torchvision's video networks, and R(2+1)D-34 on IG-65M, which is built from them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from torch import Tensor

from ..layout import Layout
from .s3d_kylemin import PLACES, flatten_classifier

_VISION = "https://github.com/pytorch/vision/tree/main/torchvision/models/video"
# of torchvision.transforms._presets.VideoClassification, in 0..1 there
_MEAN = [round(255 * value, 6) for value in (0.43216, 0.394666, 0.37645)]
_STD = [round(255 * value, 6) for value in (0.22803, 0.22145, 0.216989)]

_STEM = re.compile(r"stem\.(\d)\.(\w+)")
_BLOCK = re.compile(r"layer([1-4])\.(\d+)\.(conv[12]|downsample)\.([\d.]+)\.(\w+)")
# What the numbers mean: a whole convolution and its norm, or one in two steps.
_WHOLE = {"0": "conv", "1": "bn"}
_STEPS_STEM = {"0": "conv.conv_s", "1": "conv.bn_s", "3": "conv.conv_t", "4": "bn"}
_STEPS = {"0.0": "conv.conv_s", "0.1": "conv.bn_s", "0.3": "conv.conv_t", "1": "bn"}
_STEPS_S3D = {".0.0": "conv.conv_s", ".0.1": "conv.bn_s", ".1.0": "conv.conv_t"}
_S3D = re.compile(r"features\.(\d+)(?:\.branch(0|[123]\.[01]))?(\.[\d.]+)\.(\w+)")


def _renamer(stem: Mapping[str, str], conv: Mapping[str, str]) -> Callable:
    def rename(key: str) -> str | None:
        if key in ("fc.weight", "fc.bias"):
            return f"cls_head.fc_cls.{key[3:]}"
        if match := _STEM.fullmatch(key):
            index, rest = match.groups()
            place, layer = "stages.0.blocks.0", stem.get(index)
        elif match := _BLOCK.fullmatch(key):
            stage, block, part, index, rest = match.groups()
            place = f"stages.{stage}.blocks.{block}.{part}"
            layer = (_WHOLE if part == "downsample" else conv).get(index)
        else:
            return None
        return f"backbone.{place}.{layer}.{rest}" if layer else None

    return rename


def _rename_s3d(key: str) -> str | None:
    if key in ("classifier.1.weight", "classifier.1.bias"):
        return f"cls_head.fc_cls.{key[13:]}"
    match = _S3D.fullmatch(key)
    if match is None or int(match[1]) not in PLACES:
        return None
    stage, block = PLACES[int(match[1])]
    branch = ""
    if match[2]:
        branch = f".branches.{match[2] if '.' in match[2] else '0.0'}"
    numbers = match[3]
    layer = {**_STEPS_S3D, ".1.1": "bn", ".0": "conv", ".1": "bn"}.get(numbers)
    if layer is None:
        return None
    return f"backbone.stages.{stage}.blocks.{block}{branch}.{layer}.{match[4]}"


def _depths(weights: Mapping[str, Tensor]) -> tuple[int, ...]:
    """Blocks of layer1 to layer4."""
    blocks = {match.groups()[:2] for match in map(_BLOCK.fullmatch, weights) if match}
    return tuple(sum(layer == number for layer, _ in blocks) for number in "1234")


def _shape(weights: Mapping[str, Tensor], key: str) -> tuple[int, ...]:
    return tuple(weights[key].shape) if key in weights else ()


def _whole_arch(weights: Mapping[str, Tensor]) -> str | None:
    kernel = _shape(weights, "layer2.0.conv1.0.weight")[2:]
    return {(3, 3, 3): "r3d_18", (1, 3, 3): "mc3_18"}.get(kernel)


def _is_whole(weights: Mapping[str, Tensor]) -> bool:
    return (
        _depths(weights) == (2, 2, 2, 2)
        and _shape(weights, "stem.0.weight")[2:] == (3, 7, 7)
        and _whole_arch(weights) is not None
    )


def _is_split(depths: tuple[int, ...], middle: int) -> Callable:
    """``middle``: the width inside the second convolution of layer2's first block."""

    def recognise(weights: Mapping[str, Tensor]) -> bool:
        return (
            _depths(weights) == depths
            and _shape(weights, "stem.3.weight")[2:] == (3, 1, 1)
            and _shape(weights, "layer2.0.conv2.0.0.weight")[:1] == (middle,)
        )

    return recognise


def _rgb(stem: str, clip: list[int] | None) -> Callable:
    def preprocessing(weights: Mapping[str, Tensor]) -> dict:
        if weights[stem].shape[1] != 3:
            return {}
        found = dict(
            modality="rgb", mean=list(_MEAN), std=list(_STD), channel_order="RGB"
        )
        return found if clip is None else dict(found, clip=list(clip))

    return preprocessing


def _ig65m_rgb(weights: Mapping[str, Tensor]) -> dict:
    # trained on 487 or 359 hashtags; with Kinetics' 400 classes there are both lengths
    classes = _shape(weights, "fc.bias")
    frames = {(487,): 8, (359,): 32}.get(classes)
    clip = None if frames is None else [frames, 112, 112]
    return _rgb("stem.0.weight", clip)(weights)


LAYOUTS: tuple[Layout, ...] = (
    Layout(
        name="torchvision-resnet3d",
        source=f"{_VISION}/resnet.py",
        recognise=_is_whole,
        backbone=lambda weights: dict(type="STConvNet", arch=_whole_arch(weights)),
        rename=_renamer(_WHOLE, _WHOLE),
        preprocessing=_rgb("stem.0.weight", [16, 112, 112]),
        notes="r3d_18 or mc3_18; trained at 15 frames a second.",
    ),
    Layout(
        name="torchvision-r2plus1d",
        source=f"{_VISION}/resnet.py",
        recognise=_is_split((2, 2, 2, 2), 230),
        backbone=lambda weights: dict(type="STConvNet", arch="r2plus1d_18_torchvision"),
        rename=_renamer(_STEPS_STEM, _STEPS),
        preprocessing=_rgb("stem.0.weight", [16, 112, 112]),
        notes=(
            "Three of its convolutions are narrower than the paper's R(2+1)D-18; "
            "trained at 15 frames a second."
        ),
    ),
    Layout(
        name="ig65m-r2plus1d",
        source="https://github.com/moabitcoin/ig65m-pytorch",
        recognise=_is_split((3, 4, 6, 3), 288),
        backbone=lambda weights: dict(
            type="STConvNet", arch="r2plus1d_34", norm_cfg=dict(type="BN3d", eps=1e-3)
        ),
        rename=_renamer(_STEPS_STEM, _STEPS),
        preprocessing=_ig65m_rgb,
        notes=(
            "BN eps is 1e-3, as in Caffe2. The files with Kinetics' 400 classes come "
            "for 8 and for 32 frames, which the weights do not tell."
        ),
    ),
    Layout(
        name="torchvision-s3d",
        source=f"{_VISION}/s3d.py",
        recognise=lambda weights: (
            {
                "features.0.0.0.weight",
                "features.15.branch3.1.0.weight",
            }
            <= set(weights)
        ),
        backbone=lambda weights: dict(type="STConvNet", arch="s3d"),
        rename=_rename_s3d,
        preprocessing=_rgb("features.0.0.0.weight", [128, 224, 224]),
        reshape=flatten_classifier,
        notes=(
            "Measured with 128 frames at 15 a second. The source averages windows of "
            "two time steps before the classifier and then over time, so that class "
            "scores after one global average differ; features do not."
        ),
    ),
)
