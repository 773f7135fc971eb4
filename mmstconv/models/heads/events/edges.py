"""The begin and end of events to a fraction of a step."""

from __future__ import annotations

import torch
from torch import Tensor


def refine_edges(edges: Tensor, response: Tensor, last: Tensor, bins: int) -> Tensor:
    """Move edges to where the finest level sees an edge near by.

    The expectation over relative bins of `TriDet <https://arxiv.org/abs/2303.07347>`_
    (section 3.3), here around an edge that is known roughly, on the finest level, for
    points of every level alike: the responses of the steps near the edge, as a softmax,
    say how far it is off.

    Args:
        edges: In steps of the grid, ``(N, P)``.
        response: Of each step of the grid, ``(N, T)``.
        last: Index of the last step that a point may look at, ``(N, P)``.
        bins: Steps on each side that are looked at.

    Returns:
        ``(N, P)``, each within ``bins`` steps of what it was, and not behind the last
        step that its point looks at.
    """
    offsets = torch.arange(-bins, bins + 1, device=edges.device, dtype=edges.dtype)
    # the middle of step i lies at i + 0.5
    where = edges[:, :, None] - 0.5 + offsets  # (N, P, B)
    last = last[:, :, None].to(edges.dtype)
    where = torch.minimum(where, last).clamp(min=0.0)
    below = where.floor()
    above = torch.minimum(below + 1, last).clamp(min=0.0)
    share = (where - below).to(response.dtype)
    logits = torch.lerp(_take(response, below), _take(response, above), share)
    weights = logits.softmax(2).to(edges.dtype)  # (N, P, B)
    return torch.minimum(edges + weights @ offsets, last[:, :, 0] + 1)


def _take(response: Tensor, index: Tensor) -> Tensor:
    """``(N, T)`` at ``(N, P, B)`` whole numbers."""
    flat = response.gather(1, index.long().flatten(1))
    return flat.view(index.shape)
