"""Gradient checkpointing that leaves the batch norms' statistics right."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from ...private_names import batch_norm_class


@contextmanager
def _statistics_kept(module: nn.Module) -> Iterator[None]:
    norms = [
        child for child in module.modules() if isinstance(child, batch_norm_class())
    ]
    before = [(norm.momentum, norm.num_batches_tracked) for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
        if norm.num_batches_tracked is not None:
            norm.num_batches_tracked = norm.num_batches_tracked.clone()
    try:
        yield
    finally:
        for norm, (momentum, tracked) in zip(norms, before):
            norm.momentum, norm.num_batches_tracked = momentum, tracked


def run_recomputed(module: nn.Module, x: Tensor) -> Tensor:
    """``module(x)``, whose inner activations backward computes a second time.

    torch's checkpointing would update running statistics in both passes.
    """
    return checkpoint(
        module,
        x,
        use_reentrant=False,
        context_fn=lambda: (nullcontext(), _statistics_kept(module)),
    )
