"""Weights that are certainly broken, and weights that look as if never trained."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from torch import Tensor

_VARIANCE = "running_var"


def impossible(weights: Mapping[str, Tensor]) -> list[str]:
    """One line for each tensor that makes its network useless.

    That is one with NaN or infinity, or with a variance below zero. If all kernels are
    zero, one line says so.
    """
    problems = []
    for key, value in _numbers(weights):
        bad = value.numel() - int(value.isfinite().sum())
        if bad:
            problems.append(f"{key} has {bad} of {value.numel()} numbers NaN or Inf")
        elif key.endswith(_VARIANCE) and value.numel() and value.min() < 0:
            problems.append(f"{key} has a variance of {value.min().item():g}")
    kernels = [value for _, value in _numbers(weights) if value.dim() > 1]
    if kernels and not any(value.any() for value in kernels):
        problems.append(f"all {len(kernels)} kernels are zero")
    return problems


def suspicious(weights: Mapping[str, Tensor]) -> list[str]:
    """One line that names the kernels that are zero; no line if there are none."""
    zero = [
        key for key, value in _numbers(weights) if value.dim() > 1 and not value.any()
    ]
    if not zero:
        return []
    rest = f", ... ({len(zero)} in all)" if len(zero) > 3 else ""
    return [f"Kernels that are zero, as if never trained: {', '.join(zero[:3])}{rest}"]


def _numbers(weights: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    for key, value in weights.items():
        if value.is_floating_point():
            yield key, value
