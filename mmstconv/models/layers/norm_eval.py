"""Batch norms that stop following the batch."""

from __future__ import annotations

from torch import nn

from ...private_names import batch_norm_class


def freeze_norm_statistics(module: nn.Module) -> None:
    """Put every batch norm in ``module`` into eval mode."""
    for child in module.modules():
        if isinstance(child, batch_norm_class()):
            child.eval()
