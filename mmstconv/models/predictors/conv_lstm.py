"""An LSTM whose products are convolutions."""

from __future__ import annotations

from typing import NamedTuple

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn


class State(NamedTuple):
    """What a layer keeps, each ``(N, channels, H, W)``."""

    hidden: Tensor
    cell: Tensor


class ConvLSTMCell(BaseModule):
    """One step of a layer.

    `Convolutional LSTM Network: A Machine Learning Approach for Precipitation
    Nowcasting <https://arxiv.org/abs/1506.04214>`_, equation 3, with peepholes that are
    the same everywhere in the picture, so that any size can be read.

    Args:
        in_channels: Of the input; 0: there is none.
        channels: Of hidden and cell state.
        kernel_size: Of the convolutions.

    Shape:
        - Input: ``(N, in_channels, H, W)`` and the state before; one of them may be
          None.
        - Output: the state.
    """

    def __init__(self, in_channels: int, channels: int, kernel_size: int) -> None:
        super().__init__()
        self.channels = channels
        self.conv = nn.Conv2d(
            in_channels + channels, 4 * channels, kernel_size, padding="same"
        )
        self.peepholes = nn.Parameter(torch.zeros(3, channels, 1, 1))
        nn.init.ones_(self.conv.bias[channels : 2 * channels])  # of the forget gate

    def forward(self, x: Tensor | None, state: State | None = None) -> State:
        if state is None:
            zeros = x.new_zeros(len(x), self.channels, *x.shape[2:])
            state = State(zeros, zeros)
        hidden, cell = state
        read = hidden if x is None else torch.cat([x, hidden], dim=1)
        gates = self.conv(read).chunk(4, dim=1)
        write = torch.sigmoid(gates[0] + self.peepholes[0] * cell)
        keep = torch.sigmoid(gates[1] + self.peepholes[1] * cell)
        cell = keep * cell + write * torch.tanh(gates[2])
        show = torch.sigmoid(gates[3] + self.peepholes[2] * cell)
        return State(show * torch.tanh(cell), cell)
