"""Fully connected layers that slide over time."""

from __future__ import annotations

import torch.nn.functional as F
from mmaction.registry import MODELS
from torch import Tensor, nn


@MODELS.register_module()
class FullWindowConv3d(nn.Conv3d):
    """``nn.Conv3d`` that is a matrix product where its window is all of a step.

    C3D's fc6 is one where it reads all of the 4 x 4 positions; CPUs compute the product
    faster than the convolution. Larger inputs are convolved.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        kernel_size: Over time, height and width.
        **kwargs: See :class:`torch.nn.Conv3d`.

    Shape:
        - Input: ``(N, in_channels, T, H, W)``.
        - Output: ``(N, out_channels, T', H', W')``.
    """

    def forward(self, x: Tensor) -> Tensor:
        slides = self.stride[0] > 1 or self.kernel_size != (1, *x.shape[3:])
        if slides or any(self.padding) or self.groups > 1:
            return super().forward(x)
        steps = x.transpose(1, 2).flatten(2)  # (N, T, C * H * W)
        y = F.linear(steps, self.weight.flatten(1), self.bias)
        return y.transpose(1, 2)[..., None, None]  # (N, out_channels, T, 1, 1)
