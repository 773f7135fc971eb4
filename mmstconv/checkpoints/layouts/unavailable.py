"""Layouts whose networks we do not have: recognised and reported, not converted.

The Temporal Binding Network (Kazakos 2019, `EPIC-Fusion
<https://arxiv.org/abs/1908.08498>`_) is three BN-Inceptions over single frames and a
fusion network. Key names and input widths are facts of its checkpoints; its code is for
non-commercial use and none of it is here.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from ..layout import Layout
from .resnet3d_hara import SOURCE, depths, has_resnet_keys

_STREAMS = ("rgb", "flow", "spec")
_FUSION = "fusion_classification_net."
_STEM = "conv1_7x7_s2.weight"


def _tbn_streams(weights: Mapping[str, Tensor]) -> list[str]:
    return [name for name in _STREAMS if f"{name}.{_STEM}" in weights]


def _tbn_report(weights: Mapping[str, Tensor]) -> list[str]:
    """One line per part: what it is, and why it has no place here."""
    lines = []
    for name in _tbn_streams(weights):
        keys = [key for key in weights if key.startswith(f"{name}.")]
        channels = weights[f"{name}.{_STEM}"].shape[1]
        lines.append(
            f"{name}.*: {len(keys)} tensors of a 2D BN-Inception over {channels} "
            "channels; none maps"
        )
    keys = [key for key in weights if key.startswith(_FUSION)]
    heads = [
        f"{key[len(_FUSION) : -len('.weight')]} {tuple(weights[key].shape)}"
        for key in keys
        if key.endswith(".weight")
    ]
    lines.append(
        f"{_FUSION}*: {len(keys)} tensors ({', '.join(heads)}); none maps: its fusion "
        "reads the concatenated features of those three networks"
    )
    return lines


def _resnet_report(weights: Mapping[str, Tensor]) -> list[str]:
    shapes = ", ".join(
        f"{key} {tuple(weights[key].shape)}"
        for key in ("conv1.weight", "layer1.0.conv2.weight", "layer2.0.bn1.weight")
        if key in weights
    )
    return [f"layer1 to layer4 have {depths(weights)} blocks; {shapes}"]


LAYOUTS: tuple[Layout, ...] = (
    Layout(
        name="resnet-outside-the-family",
        source=SOURCE,
        recognise=lambda w: has_resnet_keys(w, 3) or has_resnet_keys(w, 2),
        report=_resnet_report,
        notes=(
            "The keys are those of 3D-ResNets-PyTorch or of torchvision's ResNets, but "
            "only plain ResNet-18, -34 and -50 with a stem of 7x7x7 or 7x7 have a "
            "counterpart here; no ResNeXt, wide or pre-activation ResNet, no other "
            "depth, and no ResNet-50 with shortcut A."
        ),
    ),
    Layout(
        name="tbn",
        source="https://github.com/ekazakos/temporal-binding-network",
        recognise=lambda weights: (
            bool(_tbn_streams(weights))
            and any(key.startswith(_FUSION) for key in weights)
        ),
        report=_tbn_report,
        notes="BN-Inception is not the Inception-v1 of I3D and S3D: its modules have "
        "two 3x3 convolutions where that has one, other widths, two modules that "
        "stride, and biases before the norms, so nothing above the stem has a "
        "counterpart. Train the streams from a Kinetics checkpoint instead.",
    ),
)
