"""SimVP with ConvMixer blocks, to compare with."""

from __future__ import annotations

from collections.abc import Mapping

from mmaction.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor, nn

from .translators import ConvMixerBlock
from .trunk_network import as_channels, last_frames


@MODELS.register_module()
class SimVPNetwork(BaseModule):
    """Convolutions over each frame, ConvMixer blocks over all of them, and back.

    `SimVP: Simpler yet Better Video Prediction <https://arxiv.org/abs/2206.05099>`_
    with the translator that `OpenSTL <https://arxiv.org/abs/2306.11249>`_ calls
    ConvMixer: its first block has the width of all frames' features, the last one
    returns to it. With the defaults, 10 grey frames and their encoder it has 3.9 M
    parameters, as published.

    It sees frames alone.

    Args:
        seen: Frames that it reads, and forecasts.
        channels: Of a frame: 3, or 1 for grey.
        spatial_channels: Of the features of a frame.
        hidden_channels: Of the blocks.
        blocks: How many.
        kernel_size: Of their depthwise convolutions.
        init_cfg: Initialisation config.

    Shape:
        - Input: ``{'rgb': (N, 3, T, H, W)}`` in 0..1; H and W divisible by 4.
        - Output: ``(N, channels, seen, H, W)``.
    """

    modalities = ("rgb",)

    def __init__(
        self,
        *,
        seen: int,
        channels: int = 1,
        spatial_channels: int = 64,
        hidden_channels: int = 512,
        blocks: int = 8,
        kernel_size: int = 11,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        self.seen = self.future = seen
        self.channels = channels
        width = spatial_channels
        self.first = spatial_block(channels, width)
        self.encoder = nn.Sequential(
            spatial_block(width, width, stride=2),
            spatial_block(width, width),
            spatial_block(width, width, stride=2),
        )
        whole, inside = seen * width, hidden_channels
        self.translator = nn.Sequential(
            ConvMixerBlock(whole, kernel_size),
            nn.Conv2d(whole, inside, 1),
            *(ConvMixerBlock(inside, kernel_size) for _ in range(blocks - 1)),
            nn.Conv2d(inside, whole, 1),
        )
        self.decoder = nn.Sequential(
            spatial_block(width, width, rise=True),
            spatial_block(width, width),
            spatial_block(width, width, rise=True),
        )
        self.last = nn.Sequential(
            spatial_block(width, width), nn.Conv2d(width, channels, 1)
        )

    def forward(
        self, inputs: Mapping[str, Tensor], presence: Mapping[str, Tensor]
    ) -> Tensor:
        x = as_channels(last_frames(inputs["rgb"], self.seen), self.channels)
        samples = len(x)
        first = self.first(x.transpose(1, 2).flatten(0, 1))  # (N * T, S, H, W)
        x = self.encoder(first).unflatten(0, (samples, self.seen)).flatten(1, 2)
        x = self.translator(x)  # (N, T * S, H / 4, W / 4)
        x = self.decoder(x.unflatten(1, (self.seen, -1)).flatten(0, 1))
        x = self.last(x + first)  # (N * T, channels, H, W)
        return x.unflatten(0, (samples, self.seen)).transpose(1, 2)


def spatial_block(
    in_channels: int, channels: int, *, stride: int = 1, rise: bool = False
) -> nn.Sequential:
    """Convolution (with ``rise`` to twice the size), group norm, SiLU."""
    conv = nn.Conv2d(
        in_channels, 4 * channels if rise else channels, 3, stride=stride, padding=1
    )
    layers = [conv, nn.PixelShuffle(2)] if rise else [conv]
    return nn.Sequential(*layers, nn.GroupNorm(2, channels), nn.SiLU())
