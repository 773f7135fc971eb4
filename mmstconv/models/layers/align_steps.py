"""Sequences of different lengths onto the same time steps."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def align_steps(x: Tensor, steps: int) -> Tensor:
    """``(N, T, D)`` to ``(N, steps, D)``: the mean of each of ``steps`` equal spans.

    All streams of a sample cover the same time, so equal shares of it correspond.
    """
    if x.shape[1] == steps:
        return x
    return F.adaptive_avg_pool1d(x.transpose(1, 2), steps).transpose(1, 2)
