"""Convolution over time without padding: a step sees its frames and nothing else."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor


def without_time(padding: Sequence[int], layer: type) -> tuple:
    """``padding`` with none over time.

    Raises:
        ValueError: The layer pads by the size of its input.
    """
    if getattr(layer, "pads_itself", False):
        raise ValueError(
            f"{layer.__name__} pads time by the length of its input, so it cannot be "
            "without padding; give another conv_cfg, or temporal_padding=True"
        )
    return (0, *padding[1:])


def lost_in_front(kernel_size: int, stride: int = 1, after: int = 0) -> int:
    """Frames before the one that the first step is centred on.

    Args:
        kernel_size: Over time, of a convolution.
        stride: Of the same.
        after: What a convolution behind it loses in front, in its own steps.
    """
    return kernel_size // 2 + stride * after


def beside(shortcut: Tensor, lost: int) -> Tensor:
    """The frames of ``(N, C, T, H, W)`` that unpadded convolutions beside it keep,
    from the first on; what is lost at the end is cut by :func:`as_long_as`."""
    return shortcut[:, :, lost:] if lost else shortcut


def as_long_as(shortcut: Tensor, x: Tensor) -> Tensor:
    """``shortcut`` cut to the time steps of ``x``."""
    return shortcut[:, :, : x.shape[2]]
