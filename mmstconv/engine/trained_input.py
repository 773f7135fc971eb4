"""The input that weights were trained on, and whether a config gives the same."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import torch
from mmaction.registry import MODELS
from mmengine.registry import DefaultScope
from torch import nn

from ..datasets.transforms.roles import maker_of, role_of, size_after
from ..private_names import batch_norm_class

# In the file, but not settings of the transform that makes the features.
NOT_OF_FEATURES = {"modality", "features", "sample_rate", "mean", "std", "clip"}


class Mismatch(NamedTuple):
    """One setting of the input on which a file and a config disagree."""

    key: str
    in_file: object
    in_config: object
    remedy: str

    def __str__(self) -> str:
        return (
            f"{self.key} is {_show(self.in_file)} in the file, "
            f"{_show(self.in_config)} in the config; {self.remedy}"
        )


def compare_preprocessor(
    saved: Mapping, preprocessor: nn.Module, name: str
) -> list[Mismatch]:
    """Mean, standard deviation (which make the value range) and channel order.

    Args:
        saved: The settings in the file.
        preprocessor: MMAction2's ``ActionDataPreprocessor`` of the modality.
        name: Its name in the config.
    """
    found = []
    for key, neutral, abs_tol in (("mean", 0.0, 1e-3), ("std", 1.0, 0.0)):
        if key not in saved:
            continue
        values = getattr(preprocessor, key, None)
        values = [neutral] if values is None else values.flatten().tolist()
        if not _equal(saved[key], values, abs_tol=abs_tol):
            remedy = f"write {name}.{key}={_show(saved[key])}"
            found.append(Mismatch(key, saved[key], values, remedy))
    order = saved.get("channel_order")
    # Every decoder, ours and MMAction2's, gives RGB; to_rgb swaps it.
    given = "BGR" if getattr(preprocessor, "to_rgb", False) else "RGB"
    if order is not None and order != given:
        remedy = f"write {name}.to_rgb={order == 'BGR'}"
        found.append(Mismatch("channel_order", order, given, remedy))
    return found


def compare_pipeline(saved: Mapping, steps: Iterable, name: str) -> list[Mismatch]:
    """What transforms of the modality do: the settings that their roles name.

    Args:
        saved: The settings in the file.
        steps: The transforms of a pipeline.
        name: Its name in the config.
    """
    found = []
    for step in steps:
        role = role_of(step)
        if saved.get("modality") in role.modalities:
            settings = {key: saved.get(key) for key in role.settings}
            found += compare_settings(settings, step, name)
            if role.features:
                found += _compare_features(saved, step, role.features, name)
    return found


def compare_norms(backbone: Mapping, module: nn.Module) -> list[Mismatch]:
    """Eps of the batch norms, which no shape shows and ports of a network differ in.

    Args:
        backbone: The config in the file.
        module: The backbone that the weights go to, or a stream around it.
    """
    with DefaultScope.overwrite_default_scope("mmaction"), torch.device("meta"):
        wanted = _epsilons(MODELS.build(dict(backbone)))
    given = _epsilons(getattr(module, "backbone", module))
    if wanted == given:
        return []
    remedy = f"write backbone={dict(backbone)}"
    return [Mismatch("eps of the batch norms", wanted, given, remedy)]


def _epsilons(network: nn.Module) -> list[float]:
    return sorted(
        {m.eps for m in network.modules() if isinstance(m, batch_norm_class())}
    )


def compare_size(saved: Mapping, steps: Iterable) -> list[str]:
    """Remarks on clip length and image size, which the networks leave free."""
    clip = saved.get("clip")
    if clip is None:
        return []
    remarks = []
    size = None
    for step in steps:
        if role_of(step).step == "clip" and step.clip_len != clip[0]:
            remarks.append(f"clips of {step.clip_len} frames, the file's {clip[0]}")
        size = size_after(step) or size
    if size is not None and size != tuple(clip[1:]):
        remarks.append(f"images of {size}, the file's {tuple(clip[1:])}")
    return remarks


def _compare_features(
    saved: Mapping, step: object, features: str, name: str
) -> list[Mismatch]:
    """What is made of the sound, and how."""
    wanted = saved.get("features", features)
    maker = maker_of(wanted)
    if wanted == features or maker is None:
        settings = {k: v for k, v in saved.items() if k not in NOT_OF_FEATURES}
        return compare_settings(settings, step, name, saved.get("sample_rate"))
    given = type(step).__name__
    remedy = f"put {maker} for {given} in {name}"
    return [Mismatch("features", wanted, given, remedy)]


def compare_settings(
    settings: Mapping, step: object, name: str, sample_rate: int | None = None
) -> list[Mismatch]:
    """Attributes of a transform, or of what derives flow on the device.

    Args:
        settings: In the file; None says nothing.
        step: That should have them.
        name: Where it stands in the config.
        sample_rate: Of the sound, half of which a band's upper edge is by default.
    """
    found = []
    for key, value in settings.items():
        given = getattr(step, key, "no such setting")
        if key == "f_max" and sample_rate is not None:  # None is the highest there is
            wanted, given = (x or sample_rate / 2 for x in (value, given))
        else:
            wanted = value
        if wanted is not None and not _equal(wanted, given):
            remedy = f"write {key}={_show(value)} in {type(step).__name__} of {name}"
            found.append(Mismatch(key, value, given, remedy))
    return found


def _equal(one, other, abs_tol: float = 0.0) -> bool:
    """Whether two settings are the same; a single number stands for all channels."""
    if isinstance(one, str) or isinstance(other, str) or None in (one, other):
        return one == other
    one, other = (x if isinstance(x, Sequence) else [x] for x in (one, other))
    length = max(len(one), len(other))
    one, other = (list(x) * length if len(x) == 1 else x for x in (one, other))
    return len(one) == len(other) and all(
        math.isclose(a, b, rel_tol=1e-3, abs_tol=abs_tol) for a, b in zip(one, other)
    )


def _show(value) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"[{', '.join(_show(x) for x in value)}]"
    return repr(value) if value is None else str(value)
