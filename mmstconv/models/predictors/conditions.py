"""What is heard changes what is forecast, where there is sound."""

from __future__ import annotations

from mmengine.model import BaseModule
from torch import Tensor, nn


class FiLM(BaseModule):
    """Scale and shift of each channel, said by another modality.

    `FiLM: Visual Reasoning with a General Conditioning Layer
    <https://arxiv.org/abs/1709.07871>`_. It begins as the identity, and is the identity
    wherever that modality is absent.

    Args:
        in_channels: Of the condition.
        channels: Of what is changed.

    Shape:
        - Input: ``(N, channels, H, W)``, the condition ``(N, in_channels)``, and
          ``(N,)``: 1 where it is there, else 0.
        - Output: ``(N, channels, H, W)``.
    """

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.fc = nn.Linear(in_channels, 2 * channels)
        nn.init.zeros_(self.fc.weight)
        nn.init.zeros_(self.fc.bias)

    def forward(self, x: Tensor, condition: Tensor, here: Tensor) -> Tensor:
        change = self.fc(condition) * here[:, None]  # (N, 2 * channels)
        scale, shift = change[:, :, None, None].chunk(2, dim=1)
        return x * (1 + scale) + shift
