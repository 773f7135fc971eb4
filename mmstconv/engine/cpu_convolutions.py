"""A repair of oneDNN's convolutions in bfloat16, and how kernels are laid out.

Where a kernel is at least as long as its input and the input is padded, oneDNN's
``jit_bf16:avx512_core_bf16`` computes a wrong gradient of the weights (another one,
infinite, or NaN) and may write beyond its memory. It does so for the last stages of
most 3D networks: two steps of time and a kernel of three. The same convolution of an
input that is padded beforehand is right. Found with torch 2.13.0; no version is known
that is without it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

CONVOLUTIONS = (torch.conv1d, torch.conv2d, torch.conv3d)
CHANNELS_LAST = {4: torch.channels_last, 5: torch.channels_last_3d}


class PadBeforehand(TorchFunctionMode):
    """Inside it, convolutions that may be wrong are computed of padded inputs.

    What comes out is the same. All other functions are as they are.
    """

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func in CONVOLUTIONS:
            return convolve(func, *args, **(kwargs or {}))
        return func(*args, **(kwargs or {}))


def convolve(
    func, input: Tensor, weight: Tensor, bias=None, stride=1, padding=0, *more, **named
) -> Tensor:
    """A convolution whose kernel never overlaps both ends of a padded input.

    Args:
        func: One of ``torch.conv1d``, ``torch.conv2d``, ``torch.conv3d``.
        input: ``(N, C, ...)``, or without the N.
        weight: ``(C_out, C / groups, ...)``.
        bias, stride, padding, more, named: As ``func`` takes them.
    """
    kernel = weight.shape[2:]
    size = input.shape[-len(kernel) :]
    longer = any(k >= s for k, s in zip(kernel, size))
    if longer and not isinstance(padding, str):
        each = (padding,) * len(kernel) if isinstance(padding, int) else tuple(padding)
        if len(each) == 1:
            each *= len(kernel)
        if any(each):
            ends = [width for width in reversed(each) for _ in range(2)]
            input, padding = nn.functional.pad(input, ends), 0
    return func(input, weight, bias, stride, padding, *more, **named)


def put_channels_last(model: nn.Module) -> None:
    """Lay the kernels of 2D and 3D convolutions out channels-last, values unchanged.

    Args:
        model: Its parameters stay the same objects, which an optimizer may hold.
    """
    for parameter in model.parameters():
        if parameter.dim() in CHANNELS_LAST:
            layout = CHANNELS_LAST[parameter.dim()]
            parameter.data = parameter.data.to(memory_format=layout)
