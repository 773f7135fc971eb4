"""A 3D convolution that treats the frames of all clips as one batch of images."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from mmaction.registry import MODELS
from torch import Tensor, nn

from .axes import same_padding


@MODELS.register_module()
class FoldedConv3d(nn.Conv3d):
    """``Conv3d`` with kernels of 1 over time, computed as a 2D convolution.

    Time is folded into the batch: CPUs have fast kernels for depthwise convolutions
    over two axes and slow ones over three. Space is padded as TensorFlow's "SAME"
    pads it, whatever ``padding`` says of it. A kernel longer than 1 over time is a
    3D convolution with that padding of space.

    Args:
        padding: Zeros before and after time; what it says of space is not used.
        **kwargs: Of ``nn.Conv3d``; no stride or dilation over time.

    Shape:
        - Input: ``(N, C, T, H, W)``; nothing is copied if it is channels-last.
        - Output: ``(N, C', T', ceil(H / stride), ceil(W / stride))``.

    Raises:
        ValueError: A stride over time, or a dilation.
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
        if self.stride[0] != 1 or self.dilation != (1, 1, 1):
            raise ValueError(
                "FoldedConv3d has no stride over time and no dilation, got "
                f"stride={self.stride}, dilation={self.dilation}"
            )

    def _conv_forward(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        pads = _around(x, self.kernel_size[1:], self.stride[1:])
        if self.kernel_size[0] > 1 or self.padding[0]:
            return super()._conv_forward(F.pad(x, pads), weight, bias)
        rows = x.shape[0]
        x = x.transpose(1, 2).flatten(0, 1)  # (N * T, C, H, W)
        side = pads[::2] if pads[::2] == pads[1::2] else None
        if side is None:
            x, side = F.pad(x, pads), (0, 0)
        x = F.conv2d(
            x,
            weight.squeeze(2),
            bias,
            self.stride[1:],
            tuple(reversed(side)),
            groups=self.groups,
        )
        return x.unflatten(0, (rows, -1)).transpose(1, 2)  # (N, C', T, H', W')


def _around(x: Tensor, kernel: Sequence[int], stride: Sequence[int]) -> list[int]:
    """What ``F.pad`` puts around height and width: the last axis first."""
    sides = [same_padding(*axis) for axis in zip(x.shape[-2:], kernel, stride)]
    return [*sides[1], *sides[0]]
