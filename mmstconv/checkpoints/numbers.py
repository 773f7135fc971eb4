"""Weights that no network can have, and such as it hardly has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from torch import Tensor

_VARIANCE = "running_var"


def impossible(weights: Mapping[str, Tensor]) -> list[str]:
    """What makes a network useless, one tensor each.

    NaN and infinity, variances below zero, or zeros alone in all of its kernels.
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
    """What may be meant, one line for all: kernels that are zero."""
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
