"""Do weights fill the network that their layout names?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from mmaction.registry import MODELS
from mmengine.registry import DefaultScope
from torch import Tensor

from .adapt import inflate
from .layout import Layout

BACKBONE = "backbone."


def shapes_of(cfg: Mapping) -> dict[str, torch.Size]:
    """Shapes of a network's parameters and buffers, without the memory for them."""
    with DefaultScope.overwrite_default_scope("mmaction"), torch.device("meta"):
        network = MODELS.build(dict(cfg))
    return {BACKBONE + key: value.shape for key, value in network.state_dict().items()}


def first_kernel(cfg: Mapping) -> str:
    shapes = shapes_of({**cfg, "in_channels": 1})
    return next(key for key, shape in shapes.items() if len(shape) >= 3)


def with_eps(cfg: Mapping, eps: float, ndim: int) -> dict:
    """A network's config with another eps of its batch norms.

    Args:
        cfg: As for ``MODELS.build``.
        eps: Added to the variance.
        ndim: Axes of its kernels, which are one more than those of its norms.

    Raises:
        ValueError: The network has no batch norms.
    """
    keys = shapes_of({**cfg, "in_channels": 1})
    if not any(key.endswith("running_var") for key in keys):
        raise ValueError(f"eps was asked for, but {cfg['type']} has no batch norms")
    norm_cfg = dict(cfg.get("norm_cfg") or dict(type=f"BN{ndim - 2}d"), eps=eps)
    return dict(cfg, norm_cfg=norm_cfg)


def inflate_all(weights: dict[str, Tensor], expected: Mapping) -> int:
    """Inflate in place what is 2D and wanted in 3D; how many kernels that were."""
    count = 0
    for key, weight in weights.items():
        shape = expected.get(key)
        if weight.dim() == 4 and shape is not None and len(shape) == 5:
            weights[key] = inflate(weight, shape[2])
            count += 1
    return count


def check_fit(
    path: Path,
    layout: Layout,
    weights: Mapping[str, Tensor],
    expected: Mapping[str, torch.Size],
    inflating: bool,
) -> None:
    found = {key for key in weights if key.startswith(BACKBONE)}
    missing = [
        key
        for key in expected
        if key not in found and not key.endswith("num_batches_tracked")
    ]
    foreign = sorted(found - expected.keys())
    shapes = [
        key for key in found & expected.keys() if weights[key].shape != expected[key]
    ]
    problems = []
    if any(weights[key].dim() == 4 and len(expected[key]) == 5 for key in shapes):
        remedy = "" if inflating else "; inflate them with --inflate (inflate=True)"
        problems.append(f"its kernels are 2D, those of the network 3D{remedy}")
    elif shapes:
        wrong = [
            f"{key} is {tuple(weights[key].shape)}, not {tuple(expected[key])}"
            for key in sorted(shapes)
        ]
        problems.append(f"wrong shapes: {_short(wrong)}")
    if missing:
        problems.append(f"missing: {_short(missing)}")
    if foreign:
        problems.append(f"not part of the network: {_short(foreign)}")
    if problems:
        raise ValueError(
            f"{path}: looks like {layout.name}, but does not fit its network. "
            + ". ".join(problem[0].upper() + problem[1:] for problem in problems)
        )


def _short(items: Sequence[str], most: int = 4) -> str:
    rest = f", ... ({len(items)} in all)" if len(items) > most else ""
    return ", ".join(items[:most]) + rest
