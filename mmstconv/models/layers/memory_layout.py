"""How maps lie in memory on a CPU."""

from __future__ import annotations

import torch
from torch import Tensor, nn

_CHANNELS_LAST = {4: torch.channels_last, 5: torch.channels_last_3d}


def lay_out(x: Tensor, conv: nn.Module) -> Tensor:
    """``x`` as the convolution that reads it next is fastest; the values stay.

    On a CPU that is channels last: pooling and batch norm read whole vectors, and
    oneDNN takes such maps as they are where it copies others to and fro. Where the
    weights outweigh the map, their copy is what costs: they lie channels first, and
    there the map follows them. On other devices, and for sound along one axis,
    nothing changes.

    Args:
        x: ``(N, C, *axes)``.
        conv: One convolution, or several in a row.
    """
    if x.device.type != "cpu" or x.dim() not in _CHANNELS_LAST:
        return x
    weights = sum(parameter.numel() for parameter in conv.parameters())
    if weights > x.numel():
        return x.contiguous()
    return x.contiguous(memory_format=_CHANNELS_LAST[x.dim()])
