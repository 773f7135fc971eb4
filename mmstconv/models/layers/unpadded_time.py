"""Convolution over time without padding: a step sees its frames and nothing else."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from .pooling import Pool


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
    """``(N, C, T, H, W)`` without the first frames, which unpadded convolutions beside
    it lose. :func:`as_long_as` cuts those that are lost at the end."""
    return shortcut[:, :, lost:] if lost else shortcut


def as_long_as(shortcut: Tensor, x: Tensor) -> Tensor:
    """``shortcut`` cut to the time steps of ``x``."""
    return shortcut[:, :, : x.shape[2]]


def window_of(layer: nn.Module) -> tuple[int, int]:
    """Input frames that a time step sees, and from one step to the next.

    For networks without padding over time. A block with a shortcut says in ``path``
    which layers run beside it; one with ``branches`` sees what the widest of them sees;
    any other layer is its children, one after another.
    """
    if isinstance(layer, nn.Conv3d):
        reach = layer.dilation[0] * (layer.kernel_size[0] - 1) + 1
        return reach, layer.stride[0]
    if isinstance(layer, Pool):
        return layer.size[0], layer.stride[0]
    if hasattr(layer, "branches"):
        return max(window_of(branch) for branch in layer.branches)
    names = getattr(layer, "path", [name for name, _ in layer.named_children()])
    reach, stride = 1, 1
    for name in names:
        wide, step = window_of(getattr(layer, name))
        reach += (wide - 1) * stride
        stride *= step
    return reach, stride
