"""The ConvLSTM of its paper, to compare with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch.nn.functional as F
from mmaction.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor

from .translators import ConvLSTMTranslator
from .trunk_network import as_channels, last_frames


@MODELS.register_module()
class ConvLSTMNetwork(BaseModule):
    """Patches of frames through an encoding and a forecasting ConvLSTM.

    `Convolutional LSTM Network: A Machine Learning Approach for Precipitation
    Nowcasting <https://arxiv.org/abs/1506.04214>`_: with the defaults the network
    ``5x5-128-5x5-64-5x5-64`` of its table 1, of 7,585,296 parameters for grey frames.
    Its sigmoid, for a loss of cross entropy, is left out: the losses here are of
    values.

    It sees frames alone.

    Args:
        seen: Frames that it reads.
        future: Frames that it forecasts.
        channels: Of a frame: 3, or 1 for grey.
        hidden: Channels of each layer's states.
        kernel_size: Of all convolutions on states.
        patch: Side of the patches that become channels.
        init_cfg: Initialisation config.

    Shape:
        - Input: ``{'rgb': (N, 3, T, H, W)}`` in 0..1; H and W divisible by ``patch``.
        - Output: ``(N, channels, future, H, W)``.
    """

    modalities = ("rgb",)

    def __init__(
        self,
        *,
        seen: int,
        future: int,
        channels: int = 1,
        hidden: Sequence[int] = (128, 64, 64),
        kernel_size: int = 5,
        patch: int = 4,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        self.seen, self.future, self.channels = seen, future, channels
        self.patch = patch
        width = channels * patch**2
        self.translator = ConvLSTMTranslator(
            width,
            width,
            seen=seen,
            future=future,
            hidden=hidden,
            kernel_size=kernel_size,
        )

    def forward(
        self, inputs: Mapping[str, Tensor], presence: Mapping[str, Tensor]
    ) -> Tensor:
        x = as_channels(last_frames(inputs["rgb"], self.seen), self.channels)
        x = F.pixel_unshuffle(x.transpose(1, 2), self.patch)  # (N, T, C * p * p, h, w)
        x = self.translator(x, {})
        return F.pixel_shuffle(x, self.patch).transpose(1, 2)
