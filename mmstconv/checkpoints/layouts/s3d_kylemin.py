"""S3D of kylemin/S3D, and the places that torchvision's numbering shares with it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

from ..layout import Layout

# Index in the source's sequence of layers (the others are pooling) to stage and block.
PLACES = {
    0: (0, 0),
    2: (1, 0),
    3: (1, 1),
    5: (2, 0),
    6: (2, 1),
    8: (3, 0),
    9: (3, 1),
    10: (3, 2),
    11: (3, 3),
    12: (3, 4),
    14: (4, 0),
    15: (4, 1),
}
_LAYERS = {
    "conv": "conv",
    "bn": "bn",
    "conv_s": "conv.conv_s",
    "bn_s": "conv.bn_s",
    "conv_t": "conv.conv_t",
    "bn_t": "bn",
}
_KEY = re.compile(
    r"base\.(\d+)(?:\.branch([0-3])\.([01]))?\.(conv|bn|conv_s|bn_s|conv_t|bn_t)\.(\w+)"
)


def _rename(key: str) -> str | None:
    if key in ("fc.0.weight", "fc.0.bias"):
        return f"cls_head.fc_cls.{key[5:]}"
    match = _KEY.fullmatch(key)
    if match is None or int(match[1]) not in PLACES:
        return None
    stage, block = PLACES[int(match[1])]
    branch = "" if match[2] is None else f".branches.{match[2]}.{match[3]}"
    layer = _LAYERS[match[4]]
    return f"backbone.stages.{stage}.blocks.{block}{branch}.{layer}.{match[5]}"


def flatten_classifier(key: str, value: Tensor) -> Tensor:
    """The classifier is a 1x1x1 convolution there, and linear here."""
    return value.flatten(1) if key == "cls_head.fc_cls.weight" else value


def _preprocessing(weights: Mapping[str, Tensor]) -> dict:
    if weights["base.0.conv_s.weight"].shape[1] != 3:
        return {}
    return dict(modality="rgb", mean=[127.5] * 3, std=[127.5] * 3, channel_order="RGB")


LAYOUTS: tuple[Layout, ...] = (
    Layout(
        name="kylemin-s3d",
        source="https://github.com/kylemin/S3D",
        recognise=lambda weights: (
            {
                "base.0.conv_s.weight",
                "base.15.branch3.1.conv.weight",
            }
            <= set(weights)
        ),
        backbone=lambda weights: dict(type="STConvNet", arch="s3d"),
        rename=_rename,
        preprocessing=_preprocessing,
        reshape=flatten_classifier,
        notes=(
            "The source averages windows of two time steps before the classifier and "
            "then over time, so that class scores after one global average differ; "
            "features do not."
        ),
    ),
)
