"""How many frames of a clip ``imgs`` holds, behind our samplers and MMAction2's.

Behind ``SampleClips`` these are ``clip_len`` and one more, to which the last step of
flow leads. Behind MMAction2's samplers they are ``clip_len``.
"""

from __future__ import annotations

from functools import wraps

import cv2
import numpy as np

from ...importing import after_import
from .checks import require

SAMPLERS = "SampleClips or MMAction2's SampleFrames"


def is_stock(results: dict) -> bool:
    """Whether MMAction2 has sampled the frames, by their numbers."""
    return "frame_inds" in results and "frame_times" not in results


def frames_per_clip(results: dict, transform: object) -> int:
    """How many frames ``imgs`` holds of each clip.

    Args:
        results: Of the pipeline so far.
        transform: That asks; an error names it.
    """
    length = require(results, "clip_len", transform, SAMPLERS)
    return length if is_stock(results) else length + 1


def clips_of_frames(results: dict, transform: object) -> list[list[np.ndarray]]:
    """The frames of each clip, for what treats the frames of a clip alike.

    Args:
        results: Of the pipeline so far.
        transform: That asks; an error names it.

    Raises:
        ValueError: There are extracted flow images among the frames, which a change of
            the frames does not fit.
    """
    if "flow_images" in results:
        raise ValueError(
            f"{type(transform).__name__} changes frames, and extracted flow images "
            "would not change with them: leave it out, or let ComputeFlow derive the "
            "flow"
        )
    images = require(results, "imgs", transform, "LoadFrames")
    frames = frames_per_clip(results, transform)
    return [images[k : k + frames] for k in range(0, len(images), frames)]


def mean_colour(frames: list[np.ndarray]) -> np.ndarray:
    """Mean of each channel over all frames, ``(channels,)``."""
    channels = frames[0].shape[2] if frames[0].ndim == 3 else 1
    return np.mean([cv2.mean(frame)[:channels] for frame in frames], axis=0)


def steps_on(results: dict, frames: int) -> np.ndarray:
    """Whether time goes on from each frame of a clip to the next, ``(clips, T)``.

    It does not where a clip that is longer than its file starts again, or stands still.

    Args:
        results: Of the pipeline so far.
        frames: Of a clip, T + 1.
    """
    order = results.get("frame_times", results.get("frame_inds"))
    if order is None:
        return np.ones((1, frames - 1), bool)
    return np.diff(np.reshape(order, (-1, frames)), axis=1) > 0


def without_last(images: list[np.ndarray], frames: int) -> list[np.ndarray]:
    """The images without the last one of each clip.

    Args:
        images: Clip after clip.
        frames: Of a clip.
    """
    return [image for k, image in enumerate(images, 1) if k % frames]


def teach_format_shape() -> None:
    """Let MMAction2's ``FormatShape`` drop the frame that ``LoadFrames`` adds for flow.

    It divides ``imgs`` into clips of ``clip_len`` frames, whatever they are.
    """
    from mmaction.datasets.transforms.formatting import FormatShape

    transform = FormatShape.transform
    if hasattr(transform, "__wrapped__"):
        return

    @wraps(transform)
    def transform_own_frames(self, results: dict) -> dict:
        if "frame_times" in results and "imgs" in results:
            frames = frames_per_clip(results, self)
            if len(results["imgs"]) % (results["num_clips"] * frames) == 0:
                results["imgs"] = without_last(results["imgs"], frames)
        return transform(self, results)

    FormatShape.transform = transform_own_frames


after_import("mmaction.datasets.transforms.formatting", teach_format_shape)
