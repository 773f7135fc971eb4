"""Names of weights in files that were saved when the head did what the joint does."""

from __future__ import annotations

from collections.abc import Mapping

MOVED = {
    "cls_head.fusion.": "joint.fusion.",
    "cls_head.temporal.": "joint.temporal.",
    "cls_head.fused_temporal.": "joint.fused_temporal.",
}
_WRAPPER = "module."  # of averaged weights (MMEngine's EMAHook)


def renamed(weights: Mapping) -> Mapping:
    """Weights of a recognizer under the names that its parts have.

    Only those of a ``TriModalRecognizer`` without a joint: a head of the user's own
    may well have a ``fusion``.

    Args:
        weights: By name; what torch keeps beside them (``_metadata``) has the names
            of the modules.

    Returns:
        The very mapping if all names are as they should be, else another with the
        same values in the same order.
    """
    modules = getattr(weights, "_metadata", None) or {}
    names = [_bare(name) for name in (*weights, *(f"{key}." for key in modules))]
    if not any(name.startswith("streams.") for name in names):
        return weights
    if any(name.startswith("joint.") for name in names):
        return weights
    if not any(name.startswith(tuple(MOVED)) for name in names):
        return weights
    moved = type(weights)((_moved(key), value) for key, value in weights.items())
    if modules:
        of_modules = ((_moved(f"{k}.")[:-1], value) for k, value in modules.items())
        moved._metadata = type(modules)(of_modules)
    return moved


def with_names_of_today(checkpoint: Mapping) -> Mapping:
    """A checkpoint in which each set of weights is :func:`renamed`.

    Sets of weights are the checkpoint itself, or its entries.
    """
    if not isinstance(checkpoint, dict):
        return checkpoint
    for name, entry in checkpoint.items():
        if isinstance(entry, dict):
            checkpoint[name] = renamed(entry)
    return renamed(checkpoint)


def _bare(name) -> str:
    return name.removeprefix(_WRAPPER) if isinstance(name, str) else ""


def _moved(name):
    bare = _bare(name)
    for old, new in MOVED.items():
        if bare.startswith(old):
            return name[: len(name) - len(bare)] + new + bare[len(old) :]
    return name
