"""The frames to come out of a clip, as the truth of those who forecast them."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from .checks import positive_int, require
from .roles import Role
from .stock import is_stock

# What is made of frames or sound: it has seen the future if it is there already.
DERIVED = {"flow": "ComputeFlow", "audio": "LogMel or RawAudio"}


@TRANSFORMS.register_module()
class SplitFuture(BaseTransform):
    """Takes the last frames of a clip away, and keeps them as what is to be forecast.

    It stands behind what loads and crops the frames and loads the sound, and before
    what derives flow and log-mel of them: these then cannot know of the future. The
    frame after the last seen one, which the last step of flow would lead to, is the
    last seen one again: that step of flow is zero. Sound ends where the first frame to
    come begins.

    Required Keys:

        - imgs, clip_len, num_clips, frame_times, clip_duration: as of
          ``SampleClips(clip_len=seen + future)``
        - waveform, sample_rate, speed (optional)

    Modified Keys:

        - imgs: the seen frames of the clip, and the last of them once more
        - frame_times: likewise
        - clip_len: ``seen``
        - clip_duration: of the seen part, in seconds of the file
        - waveform: of the seen part

    Added Keys:

        - gt_frames: uint8 ``(C, future, H, W)``; not with ``future=0``
        - future_times: float64 ``(future,)``, seconds

    Args:
        seen: Frames that a model may see.
        future: Frames to forecast. 0: the clip has none, as at the end of a video.
        grey: Make the truth grey (BT.601's luma), ``C = 1`` instead of 3.

    Raises:
        ValueError: The clip has another length, there are several of them, it is
            longer than its file, or flow or log-mel have been derived already.
    """

    role = Role()

    def __init__(self, seen: int, future: int = 0, grey: bool = False) -> None:
        self.seen = positive_int("seen", seen)
        self.future = 0 if future == 0 else positive_int("future", future)
        self.grey = bool(grey)

    def transform(self, results: dict) -> dict:
        images = require(results, "imgs", self, "LoadFrames")
        self._check(results, len(images))
        times = np.reshape(results["frame_times"], -1)[: self.seen + self.future]
        if not results.get("failure") and np.any(np.diff(times) <= 0):
            raise ValueError(
                f"{results.get('filename', 'a clip')}: SplitFuture(seen={self.seen}, "
                f"future={self.future}) needs as many frames, but the file ends "
                f"{int(np.argmax(np.diff(times) <= 0)) + 1} frames after the clip's "
                "begin: give longer files, fewer frames or a higher fps"
            )
        results = dict(results)
        duration = results["clip_duration"]
        results["clip_duration"] = duration * self.seen / len(times)
        if "waveform" in results:
            results["waveform"] = self._seen_sound(results, duration)
        if self.future:
            truth = np.stack(images[self.seen : self.seen + self.future])
            if self.grey:
                grey = [cv2.cvtColor(one, cv2.COLOR_RGB2GRAY) for one in truth]
                truth = np.stack(grey)[..., None]
            truth = np.ascontiguousarray(truth.transpose(3, 0, 1, 2))
            results["gt_frames"] = torch.from_numpy(truth)  # (C, future, H, W)
            results["future_times"] = times[self.seen :]
        results["imgs"] = [*images[: self.seen], images[self.seen - 1]]
        last = times[self.seen - 1]
        results["frame_times"] = np.append(times[: self.seen], last)[None]
        results["clip_len"] = self.seen
        return results

    def _check(self, results: dict, images: int) -> None:
        if is_stock(results) or "frame_times" not in results:
            raise ValueError("SplitFuture needs the times of frames: SampleClips")
        for key, maker in DERIVED.items():
            if key in results:
                raise ValueError(
                    f"SplitFuture: '{key}' has seen the frames to come; put "
                    f"SplitFuture before {maker}"
                )
        clips, length = results["num_clips"], results["clip_len"]
        if clips != 1 or images != length + 1:
            raise ValueError(
                f"SplitFuture takes one clip and one crop, got {clips} clips and "
                f"{images / (length + 1):g} crops"
            )
        if length != self.seen + self.future:
            raise ValueError(
                f"SplitFuture(seen={self.seen}, future={self.future}) takes clips of "
                f"{self.seen + self.future} frames, got clip_len={length}"
            )

    def _seen_sound(self, results: dict, duration: float) -> np.ndarray:
        """The waveform up to the first frame to come, ``(1, L')``."""
        waveform, rate = results["waveform"], results["sample_rate"]
        heard = duration / results.get("speed", 1.0)  # seconds of the whole clip
        before = (waveform.shape[1] / rate - heard) / 2  # LoadWaveform's context
        end = before + heard * self.seen / (self.seen + self.future)
        return waveform[:, : max(int(round(end * rate, 6)), 1)]

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(seen={self.seen}, future={self.future}, "
            f"grey={self.grey})"
        )
