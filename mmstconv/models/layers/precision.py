"""Precision of what losses and averages are computed on."""

from __future__ import annotations

import torch
from torch import Tensor


def at_least_float32(x: Tensor) -> Tensor:
    """``x``, in float32 if it is in less."""
    return x.to(torch.promote_types(x.dtype, torch.float32))
