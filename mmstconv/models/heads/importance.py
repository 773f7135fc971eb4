"""What heads of summaries share: which steps are real, truth, and what they write."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..layers import length_mask

if TYPE_CHECKING:
    from ..joint import Fused


def real_steps(fused: Fused) -> Tensor | None:
    """Which steps are no padding, bool ``(N, T)``; None: all are real."""
    if fused.valid is None:
        return None
    return length_mask(fused.valid, fused.steps)


def true_importance(
    data_samples: Sequence, like: Tensor, real: Tensor | None
) -> Tensor:
    """``gt_importance`` of all clips, ``(N, T)``; zeros where steps are padding.

    Args:
        data_samples: With ``gt_importance``, one value a step.
        like: ``(N, T)``.
        real: Which steps are real, or None.

    Raises:
        ValueError: A sample has none, or not one a step; names the file.
    """
    truth = torch.zeros_like(like)
    for row, sample in enumerate(data_samples):
        name = sample.metainfo.get("filename", f"sample {row}")
        found = sample.get("gt_importance")
        if found is None:
            raise ValueError(
                f"{name}: there is no gt_importance: PackFilmSteps has to pack it; "
                "UnsupervisedSummaryHead learns without"
            )
        steps = like.shape[1] if real is None else int(real[row].sum())
        found = torch.as_tensor(found, dtype=like.dtype, device=like.device)
        if found.shape not in {(steps,), (like.shape[1],)}:
            raise ValueError(
                f"{name}: gt_importance has the shape {tuple(found.shape)}, expected "
                f"({steps},): one value for each step"
            )
        truth[row, :steps] = found[:steps]
    return truth


@torch.no_grad()
def write_importance(
    data_samples: Sequence,
    fused: Fused,
    importance: Callable[[Fused], Tensor],
    score_subsets: bool,
) -> Sequence:
    """``pred_importance`` of each sample, and of each subset of the modalities.

    Args:
        data_samples: N data samples, of M clips each: the steps of all, in order.
        fused: N * M clips.
        importance: Gives ``(N * M, T)`` in 0..1 of what is fused.
        score_subsets: Whether to write ``subset_importance``, too.
    """
    real = real_steps(fused)

    def by_sample(values: Tensor) -> list[Tensor]:
        grouped = values.unflatten(0, (len(data_samples), -1))  # (N, M, T)
        if real is None:
            return list(grouped.flatten(1))
        kept = real.unflatten(0, (len(data_samples), -1))
        return [one[mask] for one, mask in zip(grouped, kept)]

    found = by_sample(importance(fused))
    for sample, values in zip(data_samples, found):
        sample.set_field(values, "pred_importance")
    if score_subsets:
        parts = {name: by_sample(importance(part)) for name, part in fused.subsets()}
        for row, sample in enumerate(data_samples):
            values = {name: part[row] for name, part in parts.items()}
            sample.set_field(values, "subset_importance")
    return data_samples
