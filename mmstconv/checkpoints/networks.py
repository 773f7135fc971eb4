"""The parameters of the network that a layout names, without its memory."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from mmaction.registry import MODELS
from mmengine.registry import DefaultScope
from torch import Tensor

BACKBONE = "backbone."


def parameters_of(cfg: Mapping) -> dict[str, Tensor]:
    """A backbone's parameters and buffers on the meta device, as ``backbone.…``."""
    with DefaultScope.overwrite_default_scope("mmaction"), torch.device("meta"):
        network = MODELS.build(dict(cfg))
    return {BACKBONE + key: value for key, value in network.state_dict().items()}


def first_kernel(cfg: Mapping) -> str:
    """The name of a network's first convolution."""
    found = parameters_of({**cfg, "in_channels": 1})
    return next(key for key, value in found.items() if value.dim() >= 3)


def with_eps(cfg: Mapping, eps: float, ndim: int) -> dict:
    """A network's config with another eps of its batch norms.

    Args:
        cfg: As for ``MODELS.build``.
        eps: Added to the variance.
        ndim: Axes of its kernels, which are one more than those of its norms.

    Raises:
        ValueError: The network has no batch norms.
    """
    keys = parameters_of({**cfg, "in_channels": 1})
    if not any(key.endswith("running_var") for key in keys):
        raise ValueError(f"eps was asked for, but {cfg['type']} has no batch norms")
    norm_cfg = dict(cfg.get("norm_cfg") or dict(type=f"BN{ndim - 2}d"), eps=eps)
    return dict(cfg, norm_cfg=norm_cfg)
