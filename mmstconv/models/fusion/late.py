"""Fusion of the scores of separate classifiers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType

import torch.nn.functional as F
from mmaction.registry import MODELS
from torch import Tensor

from ..layers import at_least_float32
from .base import FusionOperator, ModalityLinear

RULES = ("mean", "product")
# The initial weights of classification heads.
CLASSIFIER_INIT = MappingProxyType(dict(type="Normal", layer="Linear", std=0.01))


@MODELS.register_module()
class LateFusion(FusionOperator):
    """A classifier per modality; the mean or product of the present ones' answers.

    ``rule='mean'``: `Two-Stream Convolutional Networks for Action Recognition in
    Videos <https://arxiv.org/abs/1406.2199>`_, section 2: averaging of softmax
    scores. The output is the logarithm of the mean, so cross entropy applies to it;
    with ``multi_class`` the mean is of sigmoids and the output is its log-odds, so
    binary cross entropy does.

    ``rule='product'``: `On Combining Classifiers <https://doi.org/10.1109/34.667881>`_,
    equation 7, for classes equally frequent: probabilities multiply, so logits add.
    A modality that is sure of a class outvotes others that know nothing.

    Invariant to the order of modalities. An absent modality takes no part.

    Args:
        in_channels: Channels of each modality.
        num_classes: Number of classes.
        multi_class: A sample may have several classes, or none.
        rule: ``'mean'`` or ``'product'``.
        init_cfg: Initialisation config. None: normal weights, deviation 0.01.

    Shape:
        - Input: see :class:`FusionOperator`.
        - Output: log-probabilities (of the product: without its constant) or log-odds
          ``(N, T, num_classes)``, at least float32; uniform where no modality is
          present.
    """

    gives_scores = True

    def __init__(
        self,
        in_channels: Mapping[str, int],
        *,
        num_classes: int,
        multi_class: bool = False,
        rule: str = "mean",
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(
            in_channels,
            out_channels=num_classes,
            init_cfg=init_cfg or dict(CLASSIFIER_INIT),
        )
        if rule not in RULES:
            raise ValueError(f"rule is {rule!r}, must be one of {RULES}")
        self.multi_class = multi_class
        self.rule = rule
        self.classifiers = ModalityLinear(self.in_channels, num_classes)

    def fuse(self, feats: dict[str, Tensor], present: dict[str, Tensor]) -> Tensor:
        logits = at_least_float32(self.classifiers(feats))
        here = self.stack_present(present)  # (N, 1, K, 1)
        if self.rule == "product":
            return logits.masked_fill(~here, 0.0).sum(dim=2)  # (N, T, num_classes)
        mean = mean_log_odds if self.multi_class else mean_probability
        return mean(logits, logits.new_zeros(()), here)  # (N, T, num_classes)


def mean_probability(logits: Tensor, log_weights: Tensor, here: Tensor) -> Tensor:
    """Log of the weighted mean of softmax probabilities over present modalities.

    Args:
        logits: ``(N, T, K, C)``.
        log_weights: Log of weights, of any scale; broadcasts to ``logits``.
        here: Presence ``(N, 1, K, 1)``.

    Returns:
        ``(N, T, C)``; uniform where nothing is present.
    """
    return _log_mean(logits.log_softmax(dim=-1), log_weights, here)


def mean_log_odds(logits: Tensor, log_weights: Tensor, here: Tensor) -> Tensor:
    """Log-odds of the weighted mean of sigmoids over present modalities.

    Same arguments. Zero, a probability of one half, where nothing is present.
    """
    yes = _log_mean(F.logsigmoid(logits), log_weights, here)
    no = _log_mean(F.logsigmoid(-logits), log_weights, here)
    return yes - no  # (N, T, C)


def _log_mean(log_p: Tensor, log_weights: Tensor, here: Tensor) -> Tensor:
    """Log of the weighted mean of probabilities over present modalities.

    Args:
        log_p: Log-probabilities ``(N, T, K, C)``.
        log_weights: Log of weights, of any scale; broadcasts to ``log_p``.
        here: Presence ``(N, 1, K, 1)``.

    Returns:
        ``(N, T, C)``; uniform where nothing is present.
    """
    any_here = here.any(dim=2)  # (N, 1, 1)
    # Without anything present all take part, so that the gradient stays finite.
    left_out = ~here & any_here[:, :, None]
    log_weights = log_weights.masked_fill(left_out, float("-inf"))  # (N, 1, K, C)
    log_weights = log_weights.log_softmax(dim=2)
    y = (log_p + log_weights).logsumexp(dim=2)  # (N, T, C)
    return y.masked_fill(~any_here, -math.log(log_p.shape[-1]))
