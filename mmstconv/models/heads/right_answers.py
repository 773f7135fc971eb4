"""How often, and how surely, scores name the right class."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

if TYPE_CHECKING:
    from ..joint import Fused


def top_k_accuracies(
    scores: Tensor, labels: Tensor, topk: Sequence[int]
) -> dict[str, Tensor]:
    """``top{k}_acc`` of scores ``(N, C)`` and class numbers ``(N,)``, each k below C.

    With k of C and above the answer is always right.
    """
    accuracies = {}
    for k in topk:
        if k < scores.shape[1]:
            best = scores.topk(k, dim=1).indices  # (N, k)
            hit = (best == labels[:, None]).any(dim=1)
            accuracies[f"top{k}_acc"] = hit.float().mean()
    return accuracies


def right_probability(
    scores: Tensor, labels: Tensor, multi_class: bool
) -> tuple[Tensor, Tensor]:
    """Probability of the right class; the mean, where several are right.

    Args:
        scores: ``(N, C)``.
        labels: Class numbers ``(N,)`` or soft labels ``(N, C)``.
        multi_class: A sigmoid of each score instead of a softmax of all.

    Returns:
        The probability ``(N,)``, and whether there is a right class ``(N,)``.
    """
    if labels.dim() == 1:
        labels = F.one_hot(labels, scores.shape[1])
    p = scores.sigmoid() if multi_class else scores.softmax(1)
    count = labels.sum(1)  # (N,)
    return (p * labels).sum(1) / count.clamp(min=1e-6), count > 0


@torch.no_grad()
def confidence_alone(
    score: Callable[[Fused], Tensor], fused: Fused, labels: Tensor, multi_class: bool
) -> dict[str, Tensor]:
    """Sum over samples of the right class's probability by each modality alone.

    Of several right classes it is their mean; a sample without any does not count.

    Args:
        score: Gives the scores ``(N, C)`` of what is fused.
        fused: N clips.
        labels: Class numbers ``(N,)`` or soft labels ``(N, C)``.
        multi_class: A sigmoid of each score instead of a softmax of all.

    Returns:
        ``{modality: (2,)}``: the sum, and over how many samples.
    """
    confidence = {}
    for name in fused.modalities:
        alone = fused.only(name)
        right, known = right_probability(score(alone), labels, multi_class)
        here = alone.presence[name] & known  # (N,)
        confidence[name] = torch.stack([(right * here).sum(), here.sum()])
    return confidence
