"""Losses of events: of their class and of their edges."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

GAMMA, ALPHA = 2.0, 0.25
SMALLEST = 1e-6


def sigmoid_focal_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Of each logit by itself, same shape.

    `Focal Loss for Dense Object Detection <https://arxiv.org/abs/1708.02002>`_,
    equation 5, with its gamma and alpha.
    """
    entropy = F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    prob = logits.sigmoid()
    wrong = prob + targets - 2 * prob * targets  # 1 - p_t
    weight = ALPHA * targets + (1 - ALPHA) * (1 - targets)
    return weight * wrong**GAMMA * entropy


def diou_loss_1d(found: Tensor, true: Tensor) -> Tensor:
    """One minus the overlap, plus how far the middles are apart, ``(K,)``.

    `Distance-IoU Loss <https://arxiv.org/abs/1911.08287>`_, equation 7, in one
    dimension.

    Args:
        found: ``(K, 2)``, begin not behind the end.
        true: ``(K, 2)``.
    """
    begin = torch.maximum(found[:, 0], true[:, 0])
    end = torch.minimum(found[:, 1], true[:, 1])
    shared = (end - begin).clamp(min=0)
    union = (found[:, 1] - found[:, 0]) + (true[:, 1] - true[:, 0]) - shared
    first = torch.minimum(found[:, 0], true[:, 0])
    last = torch.maximum(found[:, 1], true[:, 1])
    apart = (found.sum(1) - true.sum(1)) / 2
    far = (apart / (last - first).clamp(min=SMALLEST)) ** 2
    return 1 - shared / union.clamp(min=SMALLEST) + far
