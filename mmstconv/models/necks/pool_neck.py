"""Pool space and nothing else."""

from __future__ import annotations

import torch
from mmaction.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor

from ..layers import length_mask, pool_space


@MODELS.register_module()
class PoolNeck(BaseModule):
    """Mean over space; steps in time stay apart from each other.

    :class:`LSTMTemporalNeck` without its LSTM, for ablations.

    Args:
        in_channels: Channels of the backbone, and of the output.
        init_cfg: Initialisation config.

    Shape:
        - Input: ``(N, C, T, H, W)``, ``(N, C, T)`` or ``(N, C)``, and optionally
          ``lengths`` ``(N,)``: steps from there on are padding.
        - Output: ``(N, C, T, 1, 1)``, zero where padded, and an empty dict of
          auxiliary losses.
    """

    def __init__(self, in_channels: int, *, init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg=init_cfg)
        self.in_channels = in_channels
        self.out_channels = in_channels

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
        if lengths is not None:
            mask = length_mask(torch.as_tensor(lengths), x)[:, :, None]
            x = torch.where(mask, x, x.new_zeros(()))
        return x.transpose(1, 2)[..., None, None], {}  # (N, C, T, 1, 1)
