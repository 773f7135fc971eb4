"""From the host to where the model computes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def to_device(values: Sequence | Tensor, device: torch.device) -> Tensor:
    """A tensor of ``values`` on ``device``, without waiting for what runs there.

    ``torch.tensor(values, device=...)`` would: it returns when the copy has arrived,
    behind all the work that the device was given before.
    """
    return torch.as_tensor(values).to(device, non_blocking=True)
