"""How much each step of a film matters, learned from users' scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from mmaction.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor, nn

from ..layers import RotaryAttention
from .importance import real_steps, true_importance, write_importance

if TYPE_CHECKING:
    from ..joint import Fused


@MODELS.register_module()
class SummaryHead(BaseModule):
    """Importance of each step of a whole film, by local and global attention.

    After `PGL-SUM <https://doi.org/10.1109/ISM52913.2021.00045>`_ (Apostolidis et al.
    2021): attention within parts of the film and over all of it, added to the features,
    then a small regressor. The parts are windows of a fixed number of steps, so that
    what is near does not depend on the film's length, and positions are relative.

    Memory grows with the number of steps T, time with its square: an hour of 8 steps a
    second is 28,800.

    Args:
        in_channels: D of ``fused.steps``.
        channels: Of the attention and the regressor.
        num_heads: Attention heads.
        window: Steps of a window of the local attention.
        dropout_ratio: Of the features and before the regressor's last layer.
        levels: Of users' scores, if these are whole numbers: what is predicted is
            rounded to as many. Steps that matter alike are then ties for a rank
            correlation, not an order by chance. None: it is not rounded.
        score_subsets: Write ``subset_importance``, too.
        init_cfg: Initialisation config.

    Shape:
        - Input: :class:`Fused` of N clips, usually N whole films.
        - Output: logits of importance ``(N, T)``.

    Raises:
        ValueError: ``channels`` cannot be divided among the heads; ``levels`` is below
            2.
    """

    over_time = "steps"
    truth = "gt_importance"
    rates_steps = True  # by ``rated``; ``predict`` writes ``pred_importance``

    def __init__(
        self,
        in_channels: int,
        *,
        channels: int = 128,
        num_heads: int = 4,
        window: int = 32,
        dropout_ratio: float = 0.5,
        levels: int | None = None,
        score_subsets: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        if levels is not None and levels < 2:
            raise ValueError(f"levels must be at least 2, or None, got {levels!r}")
        self.levels = levels
        self.score_subsets = score_subsets
        self.project = nn.Sequential(nn.Linear(in_channels, channels), nn.ReLU())
        self.nearby = RotaryAttention(channels, num_heads=num_heads, window=window)
        self.everywhere = RotaryAttention(channels, num_heads=num_heads)
        self.norm = nn.LayerNorm(channels)
        self.regressor = nn.Sequential(
            nn.Linear(channels, channels),
            nn.ReLU(),
            nn.LayerNorm(channels),
            nn.Dropout(dropout_ratio),
            nn.Linear(channels, 1),
        )
        self.dropout = nn.Dropout(dropout_ratio)

    def forward(self, fused: Fused) -> Tensor:
        real = real_steps(fused)  # (N, T)
        x = self.project(fused.steps)  # (N, T, D)
        attended = self.nearby(x, real) + self.everywhere(x, real)
        x = self.norm(x + self.dropout(attended))
        return self.regressor(x)[..., 0]  # (N, T)

    def importance(self, fused: Fused) -> Tensor:
        """Between 0 and 1, ``(N, T)``."""
        return self(fused).sigmoid()

    def rated(self, fused: Fused) -> Tensor:
        """:meth:`importance`, rounded to the ``levels``."""
        found = self.importance(fused)
        if self.levels is None:
            return found
        return (found * (self.levels - 1)).round() / (self.levels - 1)

    def loss(self, fused: Fused, data_samples: Sequence) -> dict[str, Tensor]:
        """Mean squared error over the real steps of all films."""
        found, real = self.importance(fused), real_steps(fused)
        truth = true_importance(data_samples, found, real)
        if real is None:
            return dict(loss_importance=F.mse_loss(found, truth))
        squares = torch.where(real, found - truth, 0).square()
        return dict(loss_importance=squares.sum() / real.sum())

    def predict(self, fused: Fused, data_samples: Sequence) -> Sequence:
        """Write ``pred_importance`` ``(T,)`` of the real steps, in 0..1."""
        return write_importance(data_samples, fused, self.rated, self.score_subsets)
