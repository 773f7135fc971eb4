"""What each transform does in a pipeline; MMAction2's transforms are in a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from mmaction.registry import TRANSFORMS


class Role(NamedTuple):
    """What a transform does, as its class attribute ``role`` says.

    One that says nothing treats every frame alike and fills no modality: so do
    MMAction2's ``Resize`` and ``CenterCrop``. A transform that fills a modality of the
    user's own needs a role only for long videos, where windows share what they can.

    Args:
        step: What a pipeline does once: ``'open'`` a file, choose a ``'clip'``, load
            ``'frames'`` or ``'sound'``, ``'format'`` and ``'pack'`` the sample. Empty
            for all else.
        modalities: That it fills, or loads for.
        of_windows: It reads a clip's window of time and not the frames that were
            loaded. Along a long video it runs on each window, others once on each
            frame.
        at_random: It draws, so that a frame looks different each time.
        settings: Attributes that weights of its modality depend on.
        features: What it makes of sound, as checkpoints name it. Weights then depend
            on all of its attributes.

    Example:
        >>> class LoadImu(BaseTransform):
        ...     role = Role(modalities=("imu",), of_windows=True)
    """

    step: str = ""
    modalities: tuple[str, ...] = ()
    of_windows: bool = False
    at_random: bool = False
    settings: tuple[str, ...] = ()
    features: str = ""


AT_RANDOM = Role(at_random=True)
OF_MMACTION2 = {
    "CenterCrop": Role(),  # inherits from RandomCrop
    "ColorJitter": AT_RANDOM,
    "Flip": AT_RANDOM,
    "MultiScaleCrop": AT_RANDOM,
    "PackActionInputs": Role("pack"),
    "RandomCrop": AT_RANDOM,
    "RandomRescale": AT_RANDOM,
    "RandomResizedCrop": AT_RANDOM,
}


def role_of(transform: object) -> Role:
    """The role of a transform or of its class: of the nearest class that has one."""
    kind = transform if isinstance(transform, type) else type(transform)
    for one in kind.__mro__:
        if isinstance(vars(one).get("role"), Role):
            return one.role
        if one.__module__.startswith("mmaction.") and one.__name__ in OF_MMACTION2:
            return OF_MMACTION2[one.__name__]
    return Role()


def maker_of(features: str) -> str | None:
    """Name of a registered transform that makes such features of sound."""
    for name, kind in TRANSFORMS.module_dict.items():
        if role_of(kind).features == features:
            return name
    return None


def steps_of(dataset: object) -> Sequence:
    """The transforms of a data set's pipeline; none if it has no pipeline."""
    return getattr(getattr(dataset, "pipeline", None), "transforms", ())


def fetchers_of(dataset: object) -> list:
    """The transforms of a data set's pipeline that fetch files from elsewhere."""
    return [step for step in steps_of(dataset) if role_of(step).step == "fetch"]


def size_after(transform: object) -> tuple[int, int] | None:
    """Height and width that a transform of MMAction2 fixes; None if it does not."""
    crop = getattr(transform, "crop_size", None)
    if crop is not None:
        width, height = (crop, crop) if isinstance(crop, int) else crop
        return height, width
    scale = getattr(transform, "scale", None)
    fixed = getattr(transform, "keep_ratio", True) is False
    if fixed and isinstance(scale, Sequence):
        width, height = scale
        return height, width
    return None
