"""How much each step of a film matters, by its features alone: nothing is trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch.nn.functional as F
from mmaction.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor

from .importance import real_steps, write_importance

if TYPE_CHECKING:
    from ..joint import Fused


@MODELS.register_module()
class TrainingFreeSummaryHead(BaseModule):
    """Steps that are typical of what is around them and unlike the rest of the film.

    It has no weights, and so serves any recognition checkpoint. Features are centred on
    the film's mean and scaled to length 1. The importance of a step is the product of
    its representativeness, the mean cosine with the steps of its neighbourhood, and its
    diversity, one minus the mean cosine with all steps of the film, as in the
    dissimilarity of `Zhou et al. 2018 <https://arxiv.org/abs/1801.00054>`_; both
    lie between 0 and 1, and the product is stretched to 0..1 over the film.

    Time and memory grow with the number of steps.

    Args:
        in_channels: Not used; heads are built with it.
        neighbourhood: Steps on either side.
        score_subsets: Write ``subset_importance``, too.
        init_cfg: Initialisation config.

    Shape:
        - Input: :class:`Fused` of N clips, usually N whole films.
        - Output: ``(N, T)`` in 0..1; 0.5 in a film whose steps are all alike.

    Raises:
        ValueError: ``neighbourhood`` is below 1.
    """

    over_time = "steps"
    rates_steps = True  # by ``rated``; ``predict`` writes ``pred_importance``

    def __init__(
        self,
        in_channels: int | None = None,
        *,
        neighbourhood: int = 8,
        score_subsets: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        if neighbourhood < 1:
            raise ValueError(
                f"neighbourhood must be at least 1 step, got {neighbourhood}"
            )
        self.neighbourhood = neighbourhood
        self.score_subsets = score_subsets

    def forward(self, fused: Fused) -> Tensor:
        steps = fused.steps.float()
        real = real_steps(fused)
        if real is None:
            real = steps.new_ones(steps.shape[:2]) > 0
        return typical_and_different(steps, real, self.neighbourhood)

    def rated(self, fused: Fused) -> Tensor:
        """As :meth:`forward`; what heads for summaries have in common."""
        return self(fused)

    def loss(self, fused: Fused, data_samples: Sequence) -> dict[str, Tensor]:
        """There is nothing to learn.

        Raises:
            TypeError: Always; names the heads that do learn.
        """
        raise TypeError(
            "TrainingFreeSummaryHead has no weights to train: use SummaryHead, or "
            "UnsupervisedSummaryHead without labels"
        )

    def predict(self, fused: Fused, data_samples: Sequence) -> Sequence:
        """Write ``pred_importance`` ``(T,)`` of the real steps, in 0..1."""
        return write_importance(data_samples, fused, self.rated, self.score_subsets)


def typical_and_different(steps: Tensor, real: Tensor, neighbourhood: int) -> Tensor:
    """See :class:`TrainingFreeSummaryHead`; ``(N, T, D)`` -> ``(N, T)``."""
    weight = real[:, :, None].to(steps.dtype)  # (N, T, 1)
    count = weight.sum(1, keepdim=True)
    x = (steps - (steps * weight).sum(1, keepdim=True) / count) * weight
    x = F.normalize(x, dim=2)
    middle = x.sum(1, keepdim=True) / count  # (N, 1, D)
    different = (1 - (x * middle).sum(2)) / 2  # (N, T)
    around = box_sum(x, neighbourhood) / box_sum(weight, neighbourhood).clamp(min=1)
    typical = (1 + (x * around).sum(2)) / 2
    score = typical * different
    least = score.masked_fill(~real, float("inf")).amin(1, keepdim=True)
    most = score.masked_fill(~real, float("-inf")).amax(1, keepdim=True)
    room = most - least
    stretched = (score - least) / room.clamp(min=1e-6)
    return stretched.where(room > 1e-6, 0.5).where(real, 0.0)


def box_sum(x: Tensor, reach: int) -> Tensor:
    """Sum over each step and ``reach`` on either side, ``(N, T, D)``."""
    kernel = 2 * reach + 1
    pooled = F.avg_pool1d(x.transpose(1, 2), kernel, stride=1, padding=reach)
    return pooled.transpose(1, 2) * kernel
