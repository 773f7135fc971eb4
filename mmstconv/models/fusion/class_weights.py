"""Fusion of scores with learned weights for each class."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from mmaction.registry import MODELS
from torch import Tensor, nn

from ..layers import at_least_float32
from .base import masked_softmax
from .late import LateFusion, mean_log_odds, mean_probability


@MODELS.register_module()
class ClassWeightedFusion(LateFusion):
    """A classifier per modality; a weighted mean of probabilities per class.

    `Fusing Multi-Stream Deep Networks for Video Classification
    <https://arxiv.org/abs/1509.06086>`_: fusion weights learned for each stream and
    class on the streams' scores, without that paper's regularisation by class
    relations. Here the weights of a class are a softmax over the modalities present:
    not negative, of sum one, and at first equal, so the operator starts as
    :class:`LateFusion`. Invariant to the order of modalities.

    Args:
        in_channels: Channels of each modality.
        num_classes: Number of classes.
        multi_class: A sample may have several classes, or none: a mean of sigmoids.
        init_cfg: Initialisation config. None: normal weights, deviation 0.01.

    Shape:
        - Input: see :class:`FusionOperator`.
        - Output: log-probabilities or log-odds ``(N, T, num_classes)``, at least
          float32; uniform where no modality is present.
    """

    def __init__(
        self,
        in_channels: Mapping[str, int],
        *,
        num_classes: int,
        multi_class: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(
            in_channels,
            num_classes=num_classes,
            multi_class=multi_class,
            init_cfg=init_cfg,
        )
        self.class_logits = nn.ParameterDict(
            {name: nn.Parameter(torch.zeros(num_classes)) for name in self.modalities}
        )

    def stacked_logits(self) -> Tensor:
        """Logarithms of the weights up to a constant, ``(K, num_classes)``."""
        return torch.stack([self.class_logits[name] for name in self.modalities])

    def fuse(self, feats: dict[str, Tensor], present: dict[str, Tensor]) -> Tensor:
        logits = at_least_float32(self.classifiers(feats))  # (N, T, K, num_classes)
        here = self.stack_present(present)  # (N, 1, K, 1)
        if self.multi_class:
            return mean_log_odds(logits, self.stacked_logits(), here)
        y = mean_probability(logits, self.stacked_logits(), here)
        # With a weight per class the means no longer add up to one.
        return y.log_softmax(dim=-1)  # (N, T, num_classes)

    def weights(
        self,
        feats: Mapping[str, Tensor],
        presence: Mapping[str, Tensor] | None = None,
    ) -> dict[str, Tensor]:
        """``{modality: (N, T)}``: its weight for the class that is predicted."""
        feats, present = self.prepare(feats, presence)
        best = self.fuse(feats, present).argmax(dim=-1)  # (N, T)
        here = self.stack_present(present)[..., 0]  # (N, 1, K)
        logits = self.stacked_logits().T[best]  # (N, T, K)
        return self.split(masked_softmax(logits, here, dim=-1))
