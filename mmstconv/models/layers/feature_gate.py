"""Channels weighed by what the whole clip shows."""

from __future__ import annotations

from torch import Tensor, nn


class FeatureGate(nn.Module):
    """``sigmoid(W mean(x) + b) * x``, the mean over all axes behind the channels.

    `Rethinking Spatiotemporal Feature Learning
    <https://arxiv.org/abs/1712.04851>`_ (S3D-G), self-gating.

    Args:
        channels: Channels of the input.

    Shape:
        - Input and output: ``(N, channels, *axes)``.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc = nn.Linear(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        weight = self.fc(x.flatten(2).mean(2)).sigmoid()  # (N, C)
        return x * weight.view(*weight.shape, *[1] * (x.dim() - 2))
