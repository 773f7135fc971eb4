"""Which time steps of a padded batch are real."""

from __future__ import annotations

import torch
from torch import Tensor


def check_lengths(lengths: Tensor, batch: int, steps: int) -> None:
    """Raise if ``lengths`` does not fit a padded ``(batch, steps, ...)`` tensor.

    Raises:
        ValueError: Its shape is not ``(batch,)``, or a length is not in 1..steps.
    """
    if tuple(lengths.shape) != (batch,):
        raise ValueError(
            f"lengths: expected shape ({batch},), got {tuple(lengths.shape)}"
        )
    if batch and (int(lengths.min()) < 1 or int(lengths.max()) > steps):
        raise ValueError(
            f"lengths: expected values in 1..{steps}, got {lengths.tolist()}"
        )


def length_mask(lengths: Tensor, x: Tensor) -> Tensor:
    """``(N, T)`` mask of the real steps of a padded ``(N, T, ...)`` tensor."""
    check_lengths(lengths, x.shape[0], x.shape[1])
    steps = torch.arange(x.shape[1], device=x.device)
    return steps[None, :] < lengths.to(x.device)[:, None]
