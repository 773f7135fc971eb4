"""Names that parameters of ours had in files of before, and have today."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

# The fusion of the streams was a part of the classifier.
PREFIXES = {
    "cls_head.fusion.": "joint.fusion.",
    "cls_head.temporal.": "joint.temporal.",
    "cls_head.fused_temporal.": "joint.fused_temporal.",
}


def renamed(weights: Mapping[str, Any], expected: Collection[str]) -> Mapping[str, Any]:
    """Weights of an old file under today's names.

    A name is replaced only if the network lacks it and has its successor. So a head
    with a part of its own that is called ``temporal`` keeps its weights.

    Args:
        weights: Of the file, by name.
        expected: Names of the network's parameters and buffers.

    Returns:
        The weights in the same order; ``weights`` itself if no name is replaced.
    """
    names = {key: _today(key, expected) for key in weights}
    if all(old == new for old, new in names.items()):
        return weights
    return {names[key]: value for key, value in weights.items()}


def _today(key: str, expected: Collection[str]) -> str:
    if key in expected:
        return key
    for old, new in PREFIXES.items():
        if str(key).startswith(old) and new + key[len(old) :] in expected:
            return new + key[len(old) :]
    return key
