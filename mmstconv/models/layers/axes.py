"""One number, or one per axis."""

from __future__ import annotations

from collections.abc import Sequence


def expand(value: int | Sequence[int], ndim: int, name: str) -> tuple:
    """One number per axis.

    Raises:
        ValueError: A sequence of another length than ``ndim`` was given.
    """
    values = (value,) * ndim if isinstance(value, int) else tuple(value)
    if len(values) != ndim:
        raise ValueError(f"{name}: expected {ndim} numbers, got {value!r}")
    return values


def same_padding(length: int, size: int, stride: int) -> tuple[int, int]:
    """TensorFlow's "SAME": zeros before and after, so that ``ceil(length / stride)``
    windows fit; where their number is odd, one more after than before."""
    windows = -(-length // stride)
    total = max((windows - 1) * stride + size - length, 0)
    return total // 2, total - total // 2
