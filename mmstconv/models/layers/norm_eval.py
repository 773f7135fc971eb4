"""Batch norms that stop following the batch."""

from __future__ import annotations

from mmengine.utils.dl_utils.parrots_wrapper import _BatchNorm
from torch import nn


def freeze_norm_statistics(module: nn.Module) -> None:
    """Put every batch norm in ``module`` into eval mode."""
    for child in module.modules():
        if isinstance(child, _BatchNorm):
            child.eval()
