"""Frames of data samples, and those that were seen, as plain arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import cv2
import numpy as np
import torch

from .sample_fields import name_of, required

WHOSE = "FrameMetric"
ADVICE = "the model must be one that predicts frames"


class SampleFrames(NamedTuple):
    """Frames of a data sample, each ``(C, T, H, W)``.

    Args:
        predicted: Floats, 0 black and 1 white.
        true: uint8; None: the sample has no truth.
        subsets: ``{subset: predicted}`` of subsets of the modalities.
    """

    predicted: np.ndarray
    true: np.ndarray | None
    subsets: dict[str, np.ndarray]


def read_frames(sample: Mapping) -> SampleFrames:
    """The frames of a data sample.

    Raises:
        ValueError: None were predicted, or they are of another shape than the truth.
    """
    predicted = required(sample, "pred_frames", WHOSE, ADVICE)
    true = sample.get("gt_frames")
    true = None if true is None else _array(true)
    found = dict(pred_frames=predicted, **(sample.get("subset_frames") or {}))
    found = {name: _array(one) for name, one in found.items()}
    for name, one in found.items():
        if true is not None and one.shape != true.shape:
            raise ValueError(
                f"{WHOSE}: {name_of(sample)}: {name} of shape {one.shape}, but "
                f"gt_frames is {true.shape} (C, T, H, W)"
            )
    return SampleFrames(found.pop("pred_frames"), true, found)


def read_seen(
    data_batch: Mapping, place: int, shape: tuple[int, ...], name: str
) -> np.ndarray:
    """The frames that were seen, as the loader gives them.

    Args:
        data_batch: Of the loader, ``inputs['rgb']`` of N samples uint8
            ``(1, 3, T, H, W)``.
        place: Of the sample in it.
        shape: Of the frames to come, ``(C, ...)``; with C 1 the seen ones become grey.
        name: Of the file, for errors.

    Returns:
        uint8 ``(C, T, H, W)``.

    Raises:
        ValueError: There are none, or of another size than the frames to come.
    """
    inputs = data_batch.get("inputs") if isinstance(data_batch, Mapping) else None
    rgb = inputs.get("rgb") if isinstance(inputs, Mapping) else None
    if rgb is None:
        raise ValueError(
            f"{WHOSE}: {name}: baselines=True needs the seen frames in inputs['rgb']; "
            "leave baselines out where the model does not see frames"
        )
    seen = _array(rgb[place])
    if seen.ndim != 5 or seen.dtype != np.uint8 or seen.shape[-2:] != shape[-2:]:
        raise ValueError(
            f"{WHOSE}: {name}: baselines=True needs seen frames uint8 (1, 3, T, "
            f"{shape[-2]}, {shape[-1]}), got {seen.dtype} {seen.shape}"
        )
    seen = seen[0]  # (3, T, H, W)
    if shape[0] == 1:
        images = np.ascontiguousarray(seen.transpose(1, 2, 3, 0))
        seen = np.stack([cv2.cvtColor(x, cv2.COLOR_RGB2GRAY) for x in images])[None]
    return seen


def _array(values: object) -> np.ndarray:
    if isinstance(values, torch.Tensor):
        values = values.detach().cpu()
        return values.float().numpy() if values.is_floating_point() else values.numpy()
    return np.asarray(values)
