"""How much each step of a film matters, learned without anybody's scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from mmaction.registry import MODELS
from torch import Tensor

from .importance import real_steps
from .summary_head import SummaryHead

if TYPE_CHECKING:
    from ..joint import Fused

ROWS = 1024  # steps whose distances to the chosen ones are held at once


@MODELS.register_module()
class UnsupervisedSummaryHead(SummaryHead):
    """:class:`SummaryHead` that learns to choose steps which differ and represent all.

    `Deep Reinforcement Learning for Unsupervised Video Summarization
    <https://arxiv.org/abs/1801.00054>`_ (Zhou et al. 2018): steps are chosen by chance,
    each with its importance, and the rewards for diversity and representativeness teach
    by REINFORCE, with the mean of the other tries as the baseline; a last term holds
    the mean importance at a share. Chance rather than a soft choice, since a soft one
    has an answer that says nothing: where every step is chosen a little, each
    represents itself.

    Two things differ from the paper. Features have length 1, so that distances do not
    depend on their number; and all pairs count in the diversity, however far apart.

    Memory grows with the number of steps times the number chosen, 1,024 at a time.

    Args:
        in_channels: D of ``fused.steps``.
        share: Mean importance that is aimed at.
        share_weight: Of the square of what it is off by.
        tries: Choices of steps for each film and training step, at least 2.
        **kwargs: Of :class:`SummaryHead`.

    Shape:
        As :class:`SummaryHead`.

    Raises:
        ValueError: ``share`` or ``tries`` is out of range.
    """

    truth = ""  # learns from every film

    def __init__(
        self,
        in_channels: int,
        *,
        share: float = 0.5,
        share_weight: float = 1.0,
        tries: int = 5,
        **kwargs,
    ) -> None:
        super().__init__(in_channels, **kwargs)
        if not 0 < share < 1:
            raise ValueError(f"share must be between 0 and 1, got {share!r}")
        if tries < 2:
            raise ValueError(f"tries must be at least 2, got {tries!r}")
        self.share = share
        self.share_weight = share_weight
        self.tries = tries

    def loss(self, fused: Fused, data_samples: Sequence) -> dict[str, Tensor]:
        """REINFORCE and the share; ``gt_importance`` is not read."""
        logits, real = self(fused), real_steps(fused)  # (N, T)
        steps = F.normalize(fused.steps.detach().float(), dim=2)
        if real is None:
            real = torch.ones_like(logits, dtype=torch.bool)
        choosing, length, rewards = [], [], []
        for row, own, here in zip(logits, steps, real):
            row, own = row[here], own[here]
            chosen = torch.bernoulli(row.detach().sigmoid().expand(self.tries, -1))
            reward = torch.stack([rewards_of(own, one > 0) for one in chosen])
            gain = (reward - reward.mean()) * self.tries / (self.tries - 1)
            logs = -F.binary_cross_entropy_with_logits(
                row.expand(self.tries, -1), chosen, reduction="none"
            )  # log of the probability of each choice, (tries, T)
            choosing.append(-(gain * logs.mean(1)).mean())
            length.append((row.sigmoid().mean() - self.share).square())
            rewards.append(reward.mean())
        return dict(
            loss_choice=torch.stack(choosing).mean(),
            loss_share=self.share_weight * torch.stack(length).mean(),
            reward=torch.stack(rewards).mean(),
        )


def rewards_of(steps: Tensor, chosen: Tensor) -> Tensor:
    """Diversity and representativeness of a choice, summed; 0 without any.

    The first is the mean of one minus the cosine over pairs of chosen steps. The second
    is ``exp(-mean)`` of each step's Euclidean distance to the nearest chosen one.

    Args:
        steps: ``(T, D)`` of length 1.
        chosen: bool ``(T,)``.
    """
    kept = steps[chosen]  # (K, D)
    count = len(kept)
    if count == 0:
        return steps.new_zeros(())
    distance = torch.cat(
        [torch.cdist(part, kept).amin(dim=1) for part in steps.split(ROWS)]
    )  # (T,)
    represents = (-distance.mean()).exp()
    # The cosines of all pairs sum to the square of the sum; of a step with itself to 1.
    pairs = max(count * (count - 1), 1)
    alike = (kept.sum(0).square().sum() - count) / pairs
    diverse = (1 - alike) if count > 1 else steps.new_zeros(())
    return diverse + represents
