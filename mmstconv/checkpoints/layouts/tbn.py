"""The Temporal Binding Network: recognised and reported, not converted.

Kazakos 2019, `EPIC-Fusion <https://arxiv.org/abs/1908.08498>`_: three BN-Inceptions
over single frames, and a fusion network. Key names and input widths are facts of its
checkpoints; its code is for non-commercial use and none of it is here.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from ..layout import Layout

_STREAMS = ("rgb", "flow", "spec")
_FUSION = "fusion_classification_net."
_STEM = "conv1_7x7_s2.weight"


def _streams(weights: Mapping[str, Tensor]) -> list[str]:
    return [name for name in _STREAMS if f"{name}.{_STEM}" in weights]


def _report(weights: Mapping[str, Tensor]) -> list[str]:
    """One line per part: what it is, and why it has no place here."""
    lines = []
    for name in _streams(weights):
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


def _unavailable(weights: Mapping[str, Tensor]) -> dict:
    raise ValueError("it has no network here")


LAYOUTS: tuple[Layout, ...] = (
    Layout(
        name="tbn",
        source="https://github.com/ekazakos/temporal-binding-network",
        recognise=lambda weights: (
            bool(_streams(weights)) and any(key.startswith(_FUSION) for key in weights)
        ),
        backbone=_unavailable,
        rename=lambda key: None,
        preprocessing=lambda weights: {},
        convertible=False,
        report=_report,
        notes="BN-Inception is not the Inception-v1 of I3D and S3D: its modules have "
        "two 3x3 convolutions where that has one, other widths, two modules that "
        "stride, and biases before the norms, so nothing above the stem has a "
        "counterpart. Train the streams from a Kinetics checkpoint instead.",
    ),
)
