"""Pool space, then an LSTM over time."""

from __future__ import annotations

import torch
from mmaction.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from ..layers import check_lengths, pool_space


@MODELS.register_module()
class LSTMTemporalNeck(BaseModule):
    """Mean over space, LSTM over time; the time axis stays.

    `Long Short-Term Memory <https://doi.org/10.1162/neco.1997.9.8.1735>`_. The
    forget gate starts with a bias of 1 (`An Empirical Exploration of Recurrent
    Network Architectures <https://proceedings.mlr.press/v37/jozefowicz15.html>`_).

    Works in a stream and as ``neck=`` of MMAction2's ``Recognizer3D``.

    Args:
        in_channels: Channels of the backbone.
        hidden_channels: Channels of one direction of one layer.
        num_layers: Layers on top of each other.
        bidirectional: Add a second LSTM that reads time backwards.
        dropout: Dropout on the output of every layer, the last included.
        init_cfg: Initialisation config.

    Shape:
        - Input: ``(N, C, T, H, W)``, ``(N, C, T)`` or ``(N, C)``, and optionally
          ``lengths`` ``(N,)``: steps from there on are padding.
        - Output: ``(N, D, T, 1, 1)``, zero where padded, and an empty dict of
          auxiliary losses. D is ``out_channels``.
    """

    def __init__(
        self,
        in_channels: int,
        hidden_channels: int,
        *,
        num_layers: int = 1,
        bidirectional: bool = False,
        dropout: float = 0.0,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        self.in_channels = in_channels
        self.out_channels = hidden_channels * (2 if bidirectional else 1)
        self.lstm = nn.LSTM(
            in_channels,
            hidden_channels,
            num_layers=num_layers,
            batch_first=True,
            dropout=dropout if num_layers > 1 else 0.0,
            bidirectional=bidirectional,
        )
        self.dropout = nn.Dropout(dropout)

    def init_weights(self) -> None:
        hidden = self.lstm.hidden_size
        for name, bias in self.lstm.named_parameters():
            if name.startswith("bias"):
                value = 1.0 if name.startswith("bias_ih") else 0.0
                # PyTorch's order of gates is input, forget, cell, output.
                nn.init.constant_(bias[hidden : 2 * hidden], value)
        super().init_weights()

    def forward(
        self,
        x: Tensor,
        data_samples: list | None = None,
        lengths: Tensor | None = None,
    ) -> tuple[Tensor, dict]:
        x = pool_space(x)  # (N, T, C)
        if x.shape[2] != self.in_channels:
            raise ValueError(
                f"{type(self).__name__}: expected {self.in_channels} channels, "
                f"got {x.shape[2]}"
            )
        # Full precision under autocast: rounding adds up over the steps, and CPUs
        # have no half-precision LSTM.
        with torch.autocast(x.device.type, enabled=False):
            x = x.to(self.lstm.weight_ih_l0.dtype)
            if lengths is None:
                x, _ = self.lstm(x)  # (N, T, D)
            else:
                x = self._run_padded(x, torch.as_tensor(lengths))  # (N, T, D)
        x = self.dropout(x)
        return x.transpose(1, 2)[..., None, None], {}  # (N, D, T, 1, 1)

    def _run_padded(self, x: Tensor, lengths: Tensor) -> Tensor:
        check_lengths(lengths, x.shape[0], x.shape[1])
        packed = pack_padded_sequence(
            x, lengths.cpu(), batch_first=True, enforce_sorted=False
        )
        packed, _ = self.lstm(packed)
        out, _ = pad_packed_sequence(packed, batch_first=True, total_length=x.shape[1])
        return out
