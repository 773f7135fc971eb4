"""A convolution over time steps that sees a padded sequence as it sees it alone."""

from __future__ import annotations

import math

import torch.nn.functional as F
from torch import Tensor, nn


class StepConv(nn.Module):
    """Convolution over time, norm over the channels of each step, ReLU.

    Steps that the mask leaves out are zeros for it, as is all that lies before and
    behind the sequence. The norm looks at one step at a time, so that a part of a
    sequence, with as many steps on each side as the kernels reach, gives what the
    whole gives.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        kernel_size: Steps that one step of the output sees; odd.
        causal: It sees this step and those before, none behind.
        plain: The convolution alone, without norm and ReLU.
        prior: Of ``plain``: probability that its output, as logits, begins with.

    Shape:
        - Input: ``(N, D, T)``, mask bool ``(N, 1, T)``.
        - Output: ``(N, D', T)``.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int = 3,
        *,
        causal: bool = False,
        plain: bool = False,
        prior: float | None = None,
    ) -> None:
        super().__init__()
        lost = kernel_size - 1
        self.padding = (lost, 0) if causal else (lost // 2, lost // 2)
        self.conv = nn.Conv1d(in_channels, out_channels, kernel_size, bias=plain)
        self.norm = None if plain else nn.LayerNorm(out_channels)
        if prior is not None:
            nn.init.normal_(self.conv.weight, std=0.01)
            nn.init.constant_(self.conv.bias, math.log(prior / (1 - prior)))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        x = self.conv(F.pad(x.masked_fill(~mask, 0.0), self.padding))  # (N, D', T)
        if self.norm is None:
            return x
        return self.norm(x.transpose(1, 2)).transpose(1, 2).relu()
