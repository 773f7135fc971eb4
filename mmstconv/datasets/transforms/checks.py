"""Checks of constructor arguments and of a pipeline's order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Integral, Real

MODALITIES = ("rgb", "flow", "audio")


def positive_int(name: str, value) -> int:
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
        raise ValueError(f"{name} must be a positive integer, got {value!r}")
    return int(value)


def positive_number(name: str, value, allow_zero: bool = False) -> float:
    number = isinstance(value, Real) and not isinstance(value, bool)
    enough = number and (value > 0 or (allow_zero and value == 0))
    if not (enough and math.isfinite(value)):
        kind = "a number of at least 0" if allow_zero else "a positive number"
        raise ValueError(f"{name} must be {kind}, got {value!r}")
    return float(value)


def one_of(name: str, value, allowed: Sequence[str]) -> str:
    if value not in allowed:
        raise ValueError(f"{name} must be one of {sorted(allowed)}, got {value!r}")
    return value


def modality_names(names) -> tuple[str, ...]:
    if isinstance(names, str) or not isinstance(names, Sequence) or not names:
        raise ValueError(
            f"modalities must be a list out of {list(MODALITIES)}, got {names!r}"
        )
    unknown = [name for name in names if name not in MODALITIES]
    if unknown or len(set(names)) != len(names):
        raise ValueError(
            f"modalities must be distinct names out of {list(MODALITIES)}, "
            f"got {list(names)}"
        )
    return tuple(names)


def require(results: dict, key: str, transform: object, producer: str):
    """The value of a key, or an error that says which transform is missing."""
    if key not in results:
        raise KeyError(
            f"{type(transform).__name__} needs '{key}'; "
            f"put {producer} before it in the pipeline"
        )
    return results[key]
