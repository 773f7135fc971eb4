"""Choosing clips by time, once for all modalities."""

from __future__ import annotations

import numpy as np
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from .checks import positive_int, positive_number, require
from .roles import Role


@TRANSFORMS.register_module()
class SampleClips(BaseTransform):
    """Chooses clips of equal duration and the times of their frames.

    The file is divided into ``num_clips`` equal segments; a clip starts at a random
    time of its segment, in testing at the middle. Frame ``k`` of a clip that starts at
    ``t0`` is the one shown at ``t0 + k / fps``, whatever the file's frame rate. One
    frame more than ``clip_len`` is taken, for the flow of the last one. Where the file
    is shorter than the clip, times start again at the beginning.

    Of a sample that is about a ``segment`` of the file, clips are taken from there.

    With ``speeds`` the file plays faster or slower, at a speed that is drawn for each
    sample: frame ``k`` is the one at ``t0 + k * speed / fps``. Sound follows
    (:class:`LoadWaveform`), and so does the flow, in pixels from frame to frame.

    Required Keys:

        - media
        - segment (optional): begin and end in seconds

    Added Keys:

        - frame_times: float64 ``(num_clips, clip_len + 1)``, seconds
        - clip_starts: float64 ``(num_clips,)``, seconds
        - clip_duration: seconds of the file
        - speed
        - clip_len
        - num_clips

    Args:
        clip_len: Frames of a clip.
        fps: Frames per second of a clip.
        num_clips: Clips per file.
        test_mode: Take the middle of the segments instead of a random time, and the
            file's own speed.
        speeds: The slowest and the fastest; each factor in between is as likely.
    """

    role = Role("clip")

    def __init__(
        self,
        clip_len: int,
        fps: float,
        num_clips: int = 1,
        test_mode: bool = False,
        speeds: tuple[float, float] = (1.0, 1.0),
    ) -> None:
        self.clip_len = positive_int("clip_len", clip_len)
        self.fps = positive_number("fps", fps)
        self.num_clips = positive_int("num_clips", num_clips)
        self.test_mode = bool(test_mode)
        slow, fast = (positive_number("speeds", speed) for speed in speeds)
        if slow > fast:
            raise ValueError(f"speeds must be (slowest, fastest), got {speeds}")
        self.speeds = (slow, fast)

    def transform(self, results: dict) -> dict:
        extent = require(results, "media", self, "OpenMedia").extent
        start, end = _within(extent, results)
        speed = self._speed()
        fps = self.fps / speed
        duration = self.clip_len / fps
        room = end - start - duration
        if room > 0:
            place = 0.5 if self.test_mode else np.random.rand(self.num_clips)
            segments = np.arange(self.num_clips)
            starts = start + (segments + place) * room / self.num_clips
        else:
            starts = np.full(self.num_clips, start, np.float64)
        offsets = np.arange(self.clip_len + 1) / fps
        if room <= 0:
            offsets = _wrap(offsets, end - start)
        return with_clips(results, starts, offsets, duration, speed)

    def _speed(self) -> float:
        slow, fast = self.speeds
        if self.test_mode or slow == fast == 1:
            return 1.0
        return float(slow * (fast / slow) ** np.random.rand())

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(clip_len={self.clip_len}, fps={self.fps}, "
            f"num_clips={self.num_clips}, test_mode={self.test_mode}, "
            f"speeds={self.speeds})"
        )


def with_clips(
    results: dict,
    starts: np.ndarray,
    offsets: np.ndarray,
    duration: float,
    speed: float = 1.0,
) -> dict:
    """The sample with all keys that say which clips were chosen.

    Args:
        results: Of the pipeline so far; keys are added.
        starts: Begins of the clips in seconds, ``(num_clips,)``.
        offsets: Seconds from there to each frame and the next one, ``(clip_len + 1,)``.
        duration: Of a clip, in seconds of the file.
        speed: At which the file plays.
    """
    results["clip_starts"] = starts
    results["frame_times"] = starts[:, None] + offsets  # (num_clips, clip_len + 1)
    results["clip_duration"] = duration
    results["speed"] = speed
    results["clip_len"] = len(offsets) - 1
    results["num_clips"] = len(starts)
    return results


def _within(extent: tuple[float, float], results: dict) -> tuple[float, float]:
    """The sample's segment as far as the file has it; without one the whole file.

    Raises:
        ValueError: The file has nothing of it; names the file.
    """
    start, end = extent
    segment = results.get("segment")
    if segment is None or results.get("failure"):
        return start, end
    begin, last = max(start, float(segment[0])), min(end, float(segment[1]))
    if not begin < last:
        raise ValueError(
            f"{results.get('filename')}: the segment from {segment[0]:g} to "
            f"{segment[1]:g} s is not in the file, which lasts from {start:g} to "
            f"{end:g} s"
        )
    return begin, last


def _wrap(offsets: np.ndarray, period: float) -> np.ndarray:
    """``offsets`` modulo ``period``; what rounding put just below the period is 0."""
    wrapped = np.mod(offsets, period)
    return np.where(period - wrapped < 1e-9, 0.0, wrapped)
