"""Checks of constructor arguments and of a pipeline's order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Integral, Real


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
    """Distinct names, each of which can be a key of ``inputs`` and of a model."""
    usable = not isinstance(names, str) and isinstance(names, Sequence) and names
    if usable and all(isinstance(name, str) and name.isidentifier() for name in names):
        if len(set(names)) == len(names):
            return tuple(names)
    raise ValueError(
        "modalities must be distinct names, such as ['rgb', 'flow', 'audio'], "
        f"got {names!r}"
    )


def require(results: dict, key: str, transform: object, producer: str):
    """The value of a key, or an error that says which transform is missing."""
    if key not in results:
        raise KeyError(
            f"{type(transform).__name__} needs '{key}'; "
            f"put {producer} before it in the pipeline"
        )
    return results[key]
