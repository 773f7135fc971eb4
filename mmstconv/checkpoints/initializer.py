"""Weights of another network's file, from ``init_cfg`` in a config."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from mmaction.registry import WEIGHT_INITIALIZERS
from mmengine.logging import print_log
from mmengine.model import update_init_info
from torch import Tensor, nn

from ..private_names import records_initialisation
from .adapt import adapt_input, inflate
from .entries import unusable
from .reading import read_checkpoint, tensors_of

_HEAD = "cls_head."
_COUNTER = "num_batches_tracked"


@WEIGHT_INITIALIZERS.register_module()
class AdaptedPretrained:
    """Initialise a stream or a backbone with a converted checkpoint.

    Where ``Pretrained`` warns and goes on with random weights, this is an error: a key
    of the file that has no place, a shape that differs, and a part of the network
    that the file names but does not fill. The file's ``cls_head.*`` is not read.

    In a stream (``ConvStream``) the names of a converted file match as they are; for a
    backbone of ours set ``prefix='backbone.'``. MMAction2's backbones run their own
    ``init_weights`` and do not look at ``init_cfg``: give it to their stream.

    Args:
        checkpoint: The file.
        prefix: Take the keys below this, without it.
        inflate: Let 2D kernels fill 3D ones, as
            :func:`~mmstconv.checkpoints.adapt.inflate` does.
        adapt_input: Let the first convolution of the file fill one with another
            number of input channels, as
            :func:`~mmstconv.checkpoints.adapt.adapt_input` does.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is no checkpoint or does not fit.

    Example:
        >>> dict(type="ConvStream", backbone=dict(type="STConvNet", arch="i3d"),
        ...      init_cfg=dict(type="AdaptedPretrained", checkpoint="i3d_rgb.pth"))
    """

    def __init__(
        self,
        checkpoint: str,
        *,
        prefix: str = "",
        inflate: bool = False,
        adapt_input: bool = False,
    ) -> None:
        self.checkpoint = checkpoint
        self.prefix = f"{prefix.rstrip('.')}." if prefix else ""
        self.inflate = inflate
        self.adapt_input = adapt_input

    def __call__(self, module: nn.Module) -> None:
        loaded = read_checkpoint(self.checkpoint)
        weights = self._select(tensors_of(self.checkpoint, loaded))
        own = module.state_dict()
        fitted, inflated, adapted = self._fit(module, weights, own)
        self._check_whole(module, weights, own)
        with torch.no_grad():
            for key, value in fitted.items():
                own[key].copy_(value)
        mark_initialized(module, fitted)
        if records_initialisation(module):
            update_init_info(
                module, init_info=f"AdaptedPretrained: load from {self.checkpoint}"
            )
        self._log(module, loaded, fitted, own, inflated, adapted)

    def _select(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        selected = {
            key[len(self.prefix) :]: value
            for key, value in weights.items()
            if key.startswith(self.prefix) and not key.startswith(_HEAD)
        }
        if not selected:
            raise ValueError(
                f"{self.checkpoint}: no weights under prefix {self.prefix!r} (it has "
                f"{', '.join(list(weights)[:3])}, ...)"
            )
        return selected

    def _fit(
        self,
        module: nn.Module,
        weights: Mapping[str, Tensor],
        own: Mapping[str, Tensor],
    ) -> tuple[dict[str, Tensor], int, list[str]]:
        """The weights in the module's shapes; what was inflated and adapted."""
        fitted, inflated, adapted = {}, 0, []
        problems = unusable(weights, own)
        for key, value in weights.items():
            if key not in own:
                problems.append(f"{key}: no such parameter")
                continue
            wanted = own[key].shape
            flat = value.dim() == 4 and len(wanted) == 5
            if flat and self.inflate:
                value = inflate(value, wanted[2])
                inflated += 1
            if self.adapt_input and _differ_in_input(value.shape, wanted):
                adapted.append(f"{key} {value.shape[1]} -> {wanted[1]} channels")
                value = adapt_input(value, wanted[1])
            if value.shape == wanted:
                fitted[key] = value
                continue
            problem = f"{key}: {tuple(value.shape)} in the file, not {tuple(wanted)}"
            if flat and not self.inflate:
                problem += "; set inflate=True"
            elif _differ_in_input(value.shape, wanted):
                problem += "; set adapt_input=True"
            problems.append(problem)
        if problems:
            raise ValueError(
                f"{self.checkpoint}: does not fit {type(module).__name__}\n  "
                + _lines(problems)
                + "\nUse the backbone that tools/convert_checkpoint.py printed, and at "
                "the backbone (instead of the stream) prefix='backbone.'"
            )
        if len(adapted) > 1:
            raise ValueError(
                f"{self.checkpoint}: adapt_input is for the first convolution alone, "
                f"but {len(adapted)} differ in their input channels\n  "
                + _lines(adapted)
            )
        return fitted, inflated, adapted

    def _check_whole(
        self,
        module: nn.Module,
        weights: Mapping[str, Tensor],
        own: Mapping[str, Tensor],
    ) -> None:
        """Raise if the file fills only some of a part that it names."""
        parts = {(self.prefix + key).split(".")[0] for key in weights}
        missing = [
            key
            for key in own
            if (self.prefix + key).split(".")[0] in parts
            and key not in weights
            and not key.endswith(_COUNTER)
        ]
        if missing:
            raise ValueError(
                f"{self.checkpoint}: leaves {len(missing)} parameters of "
                f"{type(module).__name__} at random\n  "
                + _lines(missing)
                + "\nUse the backbone that tools/convert_checkpoint.py printed"
            )

    def _log(self, module, loaded, fitted, own, inflated, adapted) -> None:
        meta = loaded.get("meta")
        ours = meta.get("mmstconv") if isinstance(meta, Mapping) else None
        origin = f", layout {ours.get('layout')}" if isinstance(ours, Mapping) else ""
        changes = [f"{inflated} kernels inflated"] if inflated else []
        print_log(
            f"{type(module).__name__}: {len(fitted)} of {len(own)} tensors from "
            f"{self.checkpoint}{origin}"
            + "".join(f"; {change}" for change in (*changes, *adapted)),
            logger="current",
        )


def mark_initialized(module: nn.Module, loaded: Mapping[str, Tensor]) -> None:
    """Tell MMEngine which submodules have all their parameters from a file.

    Its ``init_weights`` goes through the children after the initializers and would
    draw their weights anew; those with ``is_init`` it leaves alone.
    """
    for name, part in module.named_modules():
        names = [key for key, _ in part.named_parameters(prefix=name)]
        if hasattr(part, "init_weights") and names and loaded.keys() >= set(names):
            part.is_init = True


def _differ_in_input(shape: torch.Size, wanted: torch.Size) -> bool:
    """Kernels that are equal but for their input channels."""
    return (
        len(shape) == len(wanted) >= 3
        and shape[1] != wanted[1]
        and (shape[0], *shape[2:]) == (wanted[0], *wanted[2:])
    )


def _lines(items: list[str], most: int = 6) -> str:
    rest = [f"... and {len(items) - most} more"] if len(items) > most else []
    return "\n  ".join([*items[:most], *rest])
