"""What the presence of modalities alone says of the class, kept out of the scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..layers import to_device

FLOOR = 0.1


class PresencePrior(nn.Module):
    """Counts classes per presence pattern, and gives the log odds that these tell.

    Added to the scores in the loss, ``log p(class | pattern) / p(class)`` accounts for
    what presence alone says of the class, so that the scores need not learn it: logit
    adjustment (`Long-tail learning via logit adjustment
    <https://arxiv.org/abs/2007.07314>`_) with a prior for each pattern. In testing
    nothing is added: what is absent says nothing.

    This holds between classes that occur with a pattern: modality dropout makes all
    occur without a modality. A share ``FLOOR`` of a pattern counts as drawn from all
    classes, which bounds the odds of a class that does not occur with it.

    The counts are those of the training so far, after modality dropout.

    Args:
        num_classes: Number of classes.
        modalities: Their names.

    Shape:
        - Input: ``labels`` ``(N,)``, or soft ``(N, num_classes)``; ``presence``
          ``{modality: bool (N,)}``, what it does not name is present.
        - Output: ``(N, num_classes)``.
    """

    def __init__(self, num_classes: int, modalities: Sequence[str]) -> None:
        super().__init__()
        self.modalities = tuple(sorted(modalities))
        patterns = 2 ** len(self.modalities)
        self.register_buffer("counts", torch.zeros(patterns, num_classes))
        self.counts: Tensor

    @torch.no_grad()
    def forward(self, labels: Tensor, presence: Mapping[str, Tensor] | None) -> Tensor:
        if labels.dim() == 1:
            labels = F.one_hot(labels, self.counts.shape[1])
        labels = labels.to(self.counts)  # (N, C)
        pattern = self._pattern(presence or {}, labels)  # (N,)
        if self.training:
            self.counts.index_add_(0, pattern, labels)
        overall = self.counts.sum(0) + 1  # (C,)
        overall = overall / overall.sum()
        totals = self.counts.sum(1, keepdim=True)  # (patterns, 1)
        given = (self.counts + overall) / (totals + 1)  # (patterns, C)
        given = (1 - FLOOR) * given + FLOOR * overall
        return (given / overall).log()[pattern]

    def _pattern(self, presence: Mapping[str, Tensor], like: Tensor) -> Tensor:
        """Row of ``counts`` of each sample."""
        pattern = torch.zeros(len(like), dtype=torch.long, device=like.device)
        for place, name in enumerate(self.modalities):
            here = presence.get(name)
            if here is None:
                pattern += 1 << place
            else:
                pattern += to_device(here, like.device).long() << place
        return pattern
