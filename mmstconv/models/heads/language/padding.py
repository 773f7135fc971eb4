"""Sequences of different lengths in one batch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def pad_left(sequences: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """``(L_i, C)`` each to ``(N, L, C)`` that end together.

    Returns:
        The batch, zeros before each, and what is real of it, bool ``(N, L)``.
    """
    longest = max(map(len, sequences))
    batch = sequences[0].new_zeros(len(sequences), longest, sequences[0].shape[1])
    real = torch.zeros(batch.shape[:2], dtype=torch.bool, device=batch.device)
    for row, sequence in enumerate(sequences):
        batch[row, longest - len(sequence) :] = sequence
        real[row, longest - len(sequence) :] = True
    return batch, real


def pad_right(
    sequences: Sequence[Sequence[int]], filler: int, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Ids that begin together, ``(N, T)``, and which are real, bool ``(N, T)``."""
    longest = max(map(len, sequences))
    batch = torch.full((len(sequences), longest), filler)
    real = torch.zeros(batch.shape, dtype=torch.bool)
    for row, sequence in enumerate(sequences):
        batch[row, : len(sequence)] = torch.tensor(sequence)
        real[row, : len(sequence)] = True
    return batch.to(device), real.to(device)
