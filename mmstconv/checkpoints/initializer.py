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
from .comparing import are_flat, compare, differ_in_input, lines_of
from .packages import read_weights
from .reading import tensors_of

_HEAD = "cls_head."


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
        checkpoint: The file; or ``package::efficientnet_lite0``, what an installed
            package carries (:mod:`~mmstconv.checkpoints.packages`).
        prefix: Take the keys below this, without it.
        inflate: Let 2D kernels fill 3D ones, as
            :func:`~mmstconv.checkpoints.adapt.inflate` does.
        adapt_input: Let the first convolution of the file fill one with another
            number of input channels, as
            :func:`~mmstconv.checkpoints.adapt.adapt_input` does.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is no checkpoint or does not fit, or the package is not
            installed.

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
        loaded = read_weights(self.checkpoint)
        own = module.state_dict()
        weights = self._select(tensors_of(self.checkpoint, loaded))
        fitted, inflated, adapted = self._adapt(weights, own)
        self._check_fit(module, fitted, own)
        if len(adapted) > 1:
            raise ValueError(
                f"{self.checkpoint}: adapt_input is for the first convolution alone, "
                f"but {len(adapted)} differ in their input channels\n"
                + lines_of(adapted)
            )
        with torch.no_grad():
            for key, value in fitted.items():
                own[key].copy_(value)
        mark_initialized(module, fitted)
        if records_initialisation(module):
            update_init_info(
                module, init_info=f"AdaptedPretrained: load from {self.checkpoint}"
            )
        changes = [f"{inflated} kernels inflated"] if inflated else []
        self._log(module, loaded, fitted, own, [*changes, *adapted])

    def _select(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The file's weights for this module, under the module's names."""
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

    def _adapt(
        self, weights: dict[str, Tensor], own: Mapping[str, Tensor]
    ) -> tuple[dict[str, Tensor], int, list[str]]:
        """The weights in the module's shapes where that is asked for.

        Returns:
            The weights; how many were inflated; a line for each whose input channels
            were adapted.
        """
        found = compare(weights, own)
        if found.unusable:
            return weights, 0, []
        fitted, inflated, adapted = dict(weights), 0, []
        for key, (given, wanted) in found.misfits.items():
            if self.inflate and are_flat(given, wanted):
                fitted[key] = inflate(fitted[key], wanted[2])
                inflated += 1
            if self.adapt_input and differ_in_input(fitted[key].shape, wanted):
                adapted.append(f"{key} {given[1]} -> {wanted[1]} channels")
                fitted[key] = adapt_input(fitted[key], wanted[1])
        return fitted, inflated, adapted

    def _check_fit(
        self, module: nn.Module, weights: Mapping[str, Tensor], own: Mapping
    ) -> None:
        """Raise unless the file fits and fills all of each part that it names."""
        found = compare(weights, own)
        problems = [
            *found.unusable,
            *(f"{key}: no such parameter" for key in found.foreign),
            *(self._misfit(key, *shapes) for key, shapes in found.misfits.items()),
        ]
        if problems:
            raise ValueError(
                f"{self.checkpoint}: does not fit {type(module).__name__}\n"
                + lines_of(problems)
                + "\nUse the backbone that tools/convert_checkpoint.py printed, and at "
                "the backbone (instead of the stream) prefix='backbone.'"
            )
        parts = {self._part(key) for key in weights}
        missing = [key for key in found.missing if self._part(key) in parts]
        if missing:
            raise ValueError(
                f"{self.checkpoint}: leaves {len(missing)} parameters of "
                f"{type(module).__name__} at random\n"
                + lines_of(missing)
                + "\nUse the backbone that tools/convert_checkpoint.py printed"
            )

    def _misfit(self, key: str, given: tuple, wanted: tuple) -> str:
        remedy = ""
        if are_flat(given, wanted) and not self.inflate:
            remedy = "; set inflate=True"
        elif differ_in_input(given, wanted):
            remedy = "; set adapt_input=True"
        return f"{key}: {given} in the file, not {wanted}{remedy}"

    def _part(self, key: str) -> str:
        return (self.prefix + key).split(".")[0]

    def _log(self, module, loaded, fitted, own, changes) -> None:
        meta = loaded.get("meta")
        ours = meta.get("mmstconv") if isinstance(meta, Mapping) else None
        origin = f", layout {ours.get('layout')}" if isinstance(ours, Mapping) else ""
        print_log(
            f"{type(module).__name__}: {len(fitted)} of {len(own)} tensors from "
            f"{self.checkpoint}{origin}" + "".join(f"; {change}" for change in changes),
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
