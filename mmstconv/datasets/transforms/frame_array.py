"""Frames that a data set has as an array, in the place of a file's."""

from __future__ import annotations

import numpy as np
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from .checks import positive_int, positive_number, require
from .loading import mark_presence
from .roles import Role
from .sampling import with_clips


@TRANSFORMS.register_module()
class LoadFrameArray(BaseTransform):
    """Takes the first frames of an array, in the place of ``OpenMedia``,
    ``SampleClips`` and ``LoadFrames``.

    Required Keys:

        - frames: uint8 ``(T, H, W)``, grey, or ``(T, H, W, 3)``
        - failure (optional)

    Added Keys:

        - imgs: list of ``clip_len + 1`` uint8 RGB ``(H, W, 3)``; the last one again
          where there are no more
        - original_shape, img_shape
        - frame_times, clip_starts, clip_duration, speed, clip_len, num_clips: as of
          ``SampleClips``, with one clip that starts at 0 s
        - presence: of ``rgb`` and ``flow``

    Args:
        clip_len: Frames of the clip.
        fps: How many are taken to be a second.

    Raises:
        ValueError: The array is of another form, or has fewer frames.
    """

    role = Role("frames", modalities=("rgb",))

    def __init__(self, clip_len: int, fps: float = 10.0) -> None:
        self.clip_len = positive_int("clip_len", clip_len)
        self.fps = positive_number("fps", fps)

    def transform(self, results: dict) -> dict:
        frames = np.asarray(require(results, "frames", self, "a data set of arrays"))
        colours = frames.ndim == 4 and frames.shape[3] == 3
        if frames.dtype != np.uint8 or not (frames.ndim == 3 or colours):
            raise ValueError(
                f"{type(self).__name__}: frames must be uint8 (T, H, W) or (T, H, W, "
                f"3), got {frames.dtype} {frames.shape}"
            )
        if len(frames) < self.clip_len:
            raise ValueError(
                f"{results.get('filename', 'a sample')}: has {len(frames)} frames, "
                f"{type(self).__name__} takes {self.clip_len}"
            )
        chosen = [frames[min(k, len(frames) - 1)] for k in range(self.clip_len + 1)]
        if not colours:
            chosen = [np.repeat(one[..., None], 3, axis=2) for one in chosen]
        results["imgs"] = [np.ascontiguousarray(one) for one in chosen]
        results["original_shape"] = results["img_shape"] = frames.shape[1:3]
        offsets = np.arange(self.clip_len + 1) / self.fps
        with_clips(results, np.zeros(1), offsets, self.clip_len / self.fps)
        mark_presence(results, not results.get("failure"), "rgb", "flow")
        return results

    def __repr__(self) -> str:
        return f"{type(self).__name__}(clip_len={self.clip_len}, fps={self.fps})"
