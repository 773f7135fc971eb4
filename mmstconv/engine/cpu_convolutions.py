"""A repair of oneDNN's convolutions in bfloat16, and how kernels are laid out.

Where a kernel is at least as long as its input and the input is padded, oneDNN's
``jit_bf16:avx512_core_bf16`` computes a wrong gradient of the weights (another one,
infinite, or NaN) and may write beyond its memory. It does so for the last stages of
most 3D networks: two steps of time and a kernel of three. The same convolution of an
input that is padded beforehand is right. Found with torch 2.13.0; no version is known
that is without it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CHANNELS_LAST = {4: torch.channels_last, 5: torch.channels_last_3d}


def pad_beforehand() -> None:
    """Let convolutions that may be wrong be computed of padded inputs, from here on.

    Those of ``torch.nn.functional``, which modules call, wherever bfloat16 is chosen by
    autocast: in a forward pass, and where a backward pass computes it again. What comes
    out is the same.
    """
    for name in ("conv1d", "conv2d", "conv3d"):
        convolve = getattr(F, name)
        if not hasattr(convolve, "__wrapped__"):
            setattr(F, name, _padding(convolve))


def _padding(convolve: Callable) -> Callable:
    """A convolution whose kernel never overlaps both ends of a padded input."""

    @wraps(convolve)
    def padded(
        input: Tensor,
        weight: Tensor,
        bias: Tensor | None = None,
        stride=1,
        padding=0,
        dilation=1,
        groups: int = 1,
    ) -> Tensor:
        if _in_bfloat16(input):
            kernel = weight.shape[2:]
            size = input.shape[-len(kernel) :]
            if any(k >= s for k, s in zip(kernel, size)):
                ends = _ends_of(padding, kernel, dilation)
                if any(ends):
                    input, padding = F.pad(input, ends), 0
        return convolve(input, weight, bias, stride, padding, dilation, groups)

    return padded


def _in_bfloat16(input: Tensor) -> bool:
    return (
        input.device.type == "cpu"
        and torch.is_autocast_enabled("cpu")
        and torch.get_autocast_dtype("cpu") is torch.bfloat16
    )


def _ends_of(padding, kernel: tuple[int, ...], dilation) -> list[int]:
    """How wide a padding is at either end of each axis, as ``F.pad`` takes it.

    Args:
        padding: Of a convolution: a number, one of each axis, or ``"same"``,
            ``"valid"``.
        kernel: Its size.
        dilation: A number, or one of each axis.
    """
    if padding == "valid":
        return [0] * (2 * len(kernel))
    if padding == "same":
        wide = [d * (k - 1) for k, d in zip(kernel, _of_each(dilation, kernel))]
        return [end for w in reversed(wide) for end in (w // 2, w - w // 2)]
    return [w for w in reversed(_of_each(padding, kernel)) for _ in range(2)]


def _of_each(value, axes: tuple[int, ...]) -> tuple[int, ...]:
    """A number of each axis, of which one may stand for all."""
    values = (value,) if isinstance(value, int) else tuple(value)
    return values * len(axes) if len(values) == 1 else values


def put_channels_last(model: nn.Module) -> None:
    """Lay the kernels of 2D and 3D convolutions out channels-last, values unchanged.

    Args:
        model: Its parameters stay the same objects, which an optimizer may hold.
    """
    for parameter in model.parameters():
        if parameter.dim() in CHANNELS_LAST:
            layout = CHANNELS_LAST[parameter.dim()]
            parameter.data = parameter.data.to(memory_format=layout)
