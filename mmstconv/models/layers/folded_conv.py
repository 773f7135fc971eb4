"""A 3D convolution that treats the frames of all clips as one batch of images."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
import torch.nn.functional as F
from mmaction.registry import MODELS
from torch import Tensor, nn

from ...private_names import uses_private
from .axes import same_padding
from .precision import at_least_float32


@MODELS.register_module()
@uses_private("_conv_forward")
class FoldedConv3d(nn.Conv3d):
    """``Conv3d`` with kernels of 1 over time, computed as a 2D convolution.

    Time is folded into the batch: CPUs have fast kernels for depthwise convolutions
    over two axes and slow ones over three. Space is padded as TensorFlow's "SAME"
    pads it, whatever ``padding`` says of it. A kernel longer than 1 over time is a
    3D convolution with that padding of space.

    Args:
        padding: Zeros before and after time; what it says of space is not used.
        **kwargs: Of ``nn.Conv3d``; no dilation.

    Shape:
        - Input: ``(N, C, T, H, W)``; nothing is copied if it is channels-last.
        - Output: ``(N, C', T', ceil(H / stride), ceil(W / stride))``.

    Raises:
        ValueError: A dilation.
    """

    # A norm in eval mode goes into the weights: ConvModule's efficient_conv_bn_eval.
    folds_norm = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] = 1,
        padding: int | Sequence[int] = 0,
        **kwargs,
    ) -> None:
        over_time = padding if isinstance(padding, int) else padding[0]
        super().__init__(
            in_channels, out_channels, kernel_size, stride, (over_time, 0, 0), **kwargs
        )
        if self.dilation != (1, 1, 1):
            raise ValueError(f"FoldedConv3d has no dilation, got {self.dilation}")

    def _conv_forward(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        padding = list(self.padding)
        for axis in (3, 4):
            before, after = same_padding(
                x.shape[axis], self.kernel_size[axis - 2], self.stride[axis - 2]
            )
            padding[axis - 2] = after
            if before < after:
                weight = _led_by_zero(weight, axis)
        if self.kernel_size[0] > 1 or self.padding[0]:
            return F.conv3d(
                x, weight, bias, self.stride, padding, groups=self.groups
            )  # (N, C', T', H', W')
        rows, x = x.shape[0], x[:, :, :: self.stride[0]]
        x = x.transpose(1, 2).flatten(0, 1)  # (N * T, C, H, W)
        x = self._over_space(x, weight.squeeze(2), bias, padding[1:])
        return x.unflatten(0, (rows, -1)).transpose(1, 2)  # (N, C', T, H', W')

    def _over_space(
        self, x: Tensor, weight: Tensor, bias: Tensor | None, padding: Sequence[int]
    ) -> Tensor:
        run = partial(F.conv2d, stride=self.stride[1:], padding=padding)
        trains = weight.requires_grad and torch.is_grad_enabled()
        if self.groups > 1 and trains and x.device.type == "cpu":
            # backward of depthwise kernels is slow there in half precision
            with torch.autocast("cpu", enabled=False):
                return run(at_least_float32(x), weight, bias, groups=self.groups)
        return run(x, weight, bias, groups=self.groups)  # (N * T, C', H', W')


def _led_by_zero(weight: Tensor, axis: int) -> Tensor:
    """A kernel that begins with a zero along an axis.

    With one zero more before the input than "SAME" has it computes the same. To pad
    the input on one side alone would copy it, and its gradient would lose its layout.
    """
    pads = [0, 0] * (weight.dim() - axis)
    pads[-2] = 1
    return F.pad(weight, pads)
