"""Features of frames to come into frames: the last one, moved and mended."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from .warping import warped_along


class MotionDecoder(BaseModule):
    """Moves the last seen frame, and adds what motion does not explain.

    For each frame to come and each of several ways to move there is a field of motion
    from step to step, and a weight at each pixel: an open future is a blend. What is
    added is decoded from the features and the moved picture together, at half of the
    frames' resolution, four pixels at a time.

    It begins as the last frame repeated.

    Args:
        in_channels: Of the features.
        channels: Of the frames.
        motions: K, ways to move.
        hidden: Channels of the last layers.

    Shape:
        - Input: features ``(N, F, in_channels, h, w)`` and the last frame
          ``(N, channels, H, W)``; H and W even.
        - Output: ``(N, F, channels, H, W)``.
    """

    def __init__(
        self, in_channels: int, channels: int, motions: int, hidden: int = 16
    ) -> None:
        super().__init__()
        self.motions = motions
        # x, y and weight of each way
        self.motion = nn.Conv2d(in_channels, 3 * motions, 3, padding=1)
        self.rise = nn.Sequential(
            nn.Conv2d(in_channels, hidden, 3, padding=1), nn.GELU()
        )
        self.mend = nn.Sequential(
            nn.Conv2d(hidden + 4 * channels, hidden, 3, padding=1),
            nn.GELU(),
            nn.Conv2d(hidden, 4 * channels, 3, padding=1),
            nn.PixelShuffle(2),
        )
        for layer in (self.motion, self.mend[-2]):
            nn.init.normal_(layer.weight, std=1e-3)
            nn.init.zeros_(layer.bias)

    def forward(self, features: Tensor, last: Tensor) -> Tensor:
        size, half = last.shape[-2:], [side // 2 for side in last.shape[-2:]]
        if any(side % 2 for side in size):
            raise ValueError(f"frames must have even sides, got {tuple(size)}")
        samples, future = features.shape[:2]
        features = features.flatten(0, 1)  # (N * F, in_channels, h, w)
        moved = self._move(features, last, future)  # (N * F, channels, H, W)
        risen = F.interpolate(self.rise(features), half, mode="bilinear")
        both = torch.cat([risen, F.pixel_unshuffle(moved, 2)], dim=1)
        return (moved + self.mend(both)).unflatten(0, (samples, future))

    def _move(self, features: Tensor, last: Tensor, future: int) -> Tensor:
        """The last frame, moved to each frame to come and blended."""
        said = self.motion(features)  # (N * F, 3 * K, h, w)
        said = F.interpolate(said, last.shape[-2:], mode="bilinear")
        said = said.unflatten(1, (self.motions, 3)).unflatten(0, (-1, future))
        fields = said[:, :, :, :2].transpose(1, 2)  # (N, K, F, 2, H, W)
        weights = said[:, :, :, 2:].softmax(dim=2)  # (N, F, K, 1, H, W)
        images = last[:, None].expand(-1, self.motions, -1, -1, -1)
        ways = warped_along(images.flatten(0, 1), fields.flatten(0, 1))
        ways = ways.unflatten(0, (-1, self.motions)).transpose(1, 2)
        return (weights * ways).sum(2).flatten(0, 1)
