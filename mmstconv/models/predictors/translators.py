"""From features of seen frames to features of frames to come."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from mmaction.registry import MODELS
from mmengine.model import BaseModule, ModuleDict, ModuleList
from torch import Tensor, nn

from .conditions import FiLM
from .conv_lstm import ConvLSTMCell, State


class Condition(NamedTuple):
    """What a modality without pictures says.

    Args:
        steps: One feature for each seen frame, ``(N, T, D)``.
        here: 1 where the modality is there, else 0, ``(N,)``.
    """

    steps: Tensor
    here: Tensor


@MODELS.register_module()
class ConvMixerTranslator(BaseModule):
    """Time folded into channels, then ConvMixer blocks.

    `SimVP: Simpler yet Better Video Prediction <https://arxiv.org/abs/2206.05099>`_
    with the blocks of `Patches Are All You Need? <https://arxiv.org/abs/2201.09792>`_:
    a depthwise convolution around which there is a shortcut, then a pointwise one. A
    condition changes the input of each block by :class:`FiLM`.

    Args:
        in_channels: C, of a seen frame.
        out_channels: C', of a frame to come.
        seen: T.
        future: F.
        conditions: ``{modality: D}``.
        channels: Inside.
        blocks: How many.
        kernel_size: Of the depthwise convolutions.
        condition_channels: That all steps of a condition are brought to.
        init_cfg: Initialisation config.

    Shape:
        - Input: ``(N, T, C, H, W)`` and ``{modality: Condition}``.
        - Output: ``(N, F, C', H, W)``.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        seen: int,
        future: int,
        conditions: dict[str, int] | None = None,
        channels: int = 256,
        blocks: int = 6,
        kernel_size: int = 7,
        condition_channels: int = 64,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        self.future = future
        self.reduce = nn.Sequential(
            nn.Conv2d(seen * in_channels, channels, 1), nn.BatchNorm2d(channels)
        )
        self.blocks = ModuleList(
            ConvMixerBlock(channels, kernel_size) for _ in range(blocks)
        )
        self.expand = nn.Conv2d(channels, future * out_channels, 1)
        self.embed, self.films = ModuleDict(), ModuleDict()
        for name, width in (conditions or {}).items():
            self.embed[name] = nn.Sequential(
                nn.Flatten(), nn.Linear(seen * width, condition_channels), nn.GELU()
            )
            self.films[name] = ModuleList(
                FiLM(condition_channels, channels) for _ in range(blocks)
            )

    def forward(self, x: Tensor, conditions: dict[str, Condition]) -> Tensor:
        said = {name: net(conditions[name].steps) for name, net in self.embed.items()}
        x = self.reduce(x.flatten(1, 2))  # (N, channels, H, W)
        for index, block in enumerate(self.blocks):
            for name, value in said.items():
                x = self.films[name][index](x, value, conditions[name].here)
            x = block(x)
        return self.expand(x).unflatten(1, (self.future, -1))


class ConvMixerBlock(BaseModule):
    """Depthwise convolution with a shortcut, then a pointwise one, GELU and norm.

    Args:
        channels: Of input and output.
        kernel_size: Of the depthwise convolution.
    """

    def __init__(self, channels: int, kernel_size: int) -> None:
        super().__init__()
        self.depthwise = nn.Sequential(
            nn.Conv2d(channels, channels, kernel_size, padding="same", groups=channels),
            nn.GELU(),
            nn.BatchNorm2d(channels),
        )
        self.pointwise = nn.Sequential(
            nn.Conv2d(channels, channels, 1), nn.GELU(), nn.BatchNorm2d(channels)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.pointwise(x + self.depthwise(x))


@MODELS.register_module()
class ConvLSTMTranslator(BaseModule):
    """Layers of ConvLSTM that read the seen frames, then go on by themselves.

    `Convolutional LSTM Network <https://arxiv.org/abs/1506.04214>`_: the states of the
    encoding network are those that the forecasting network begins with; the latter has
    no input. A condition changes the hidden states of each seen frame by
    :class:`FiLM`.

    Args:
        in_channels: C, of a seen frame.
        out_channels: C', of a frame to come.
        seen: T.
        future: F.
        conditions: ``{modality: D}``.
        hidden: Channels of each layer's states, in both networks.
        kernel_size: Of the convolutions.
        init_cfg: Initialisation config.

    Shape:
        - Input: ``(N, T, C, H, W)`` and ``{modality: Condition}``.
        - Output: ``(N, F, C', H, W)``.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        seen: int,
        future: int,
        conditions: dict[str, int] | None = None,
        hidden: Sequence[int] = (64, 64),
        kernel_size: int = 3,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        self.future = future
        self.encoding, self.forecasting = (
            ModuleList(
                ConvLSTMCell(width, channels, kernel_size)
                for width, channels in zip([first, *hidden], hidden)
            )
            for first in (in_channels, 0)
        )
        self.expand = nn.Conv2d(sum(hidden), out_channels, 1)
        self.films = ModuleDict(
            {
                name: ModuleList(FiLM(width, channels) for channels in hidden)
                for name, width in (conditions or {}).items()
            }
        )

    def forward(self, x: Tensor, conditions: dict[str, Condition]) -> Tensor:
        states: list[State | None] = [None] * len(self.encoding)
        for time in range(x.shape[1]):
            value = x[:, time]
            for layer, cell in enumerate(self.encoding):
                state = cell(value, states[layer])
                value = self._heard(state.hidden, layer, conditions, time)
                states[layer] = State(value, state.cell)
        frames = []
        for _ in range(self.future):
            value = None
            for layer, cell in enumerate(self.forecasting):
                states[layer] = cell(value, states[layer])
                value = states[layer].hidden
            whole = torch.cat([state.hidden for state in states], dim=1)
            frames.append(self.expand(whole))
        return torch.stack(frames, dim=1)  # (N, F, C', H, W)

    def _heard(
        self, x: Tensor, layer: int, conditions: dict[str, Condition], time: int
    ) -> Tensor:
        for name, films in self.films.items():
            steps, here = conditions[name]
            x = films[layer](x, steps[:, time], here)
        return x
