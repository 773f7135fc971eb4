"""Choosing a window that a forecast begins and ends in."""

from __future__ import annotations

import numpy as np
from mmaction.registry import TRANSFORMS

from .checks import require
from .sampling import SampleClips, with_clips

#: Seconds that a begin may be early by: differences of times are rounded.
ROUNDING = 1e-3


@TRANSFORMS.register_module()
class SampleWindow(SampleClips):
    """Chooses one clip that lies in its file from the first frame to the last one.

    It begins at ``window_start`` where the data set says so, else at a random time.
    Unlike ``SampleClips``, it never starts again at the beginning of a short file.

    Required Keys:

        - media
        - window_start (optional): seconds of the file

    Added Keys:

        - those of ``SampleClips``, with one clip

    Args:
        clip_len: Frames of a clip, those seen and those to come.
        fps: Frames per second of a clip.

    Raises:
        ValueError: The file ends before the clip does.
    """

    def __init__(self, clip_len: int, fps: float) -> None:
        super().__init__(clip_len, fps)

    @property
    def window_seconds(self) -> float:
        """How long the clip is."""
        return self.clip_len / self.fps

    def transform(self, results: dict) -> dict:
        media = require(results, "media", self, "OpenMedia")
        start, end = media.extent
        seconds = self.window_seconds
        if results.get("failure"):
            first = start
        elif results.get("window_start") is not None:
            first = float(results["window_start"])
        else:
            first = start + np.random.rand() * max(end - start - seconds, 0)
        # a file ends at a whole tick of its clock; the last frame has to be shown
        last_shown = first + (self.clip_len - 1) / self.fps
        outside = first < start - ROUNDING or last_shown >= end
        if outside and not results.get("failure"):
            raise ValueError(
                f"{results.get('filename', media.path)}: a clip of {self.clip_len} "
                f"frames at {self.fps:g} a second from {first:.2f} s does not lie in "
                f"the file, which shows {start:.2f} to {end:.2f} s"
            )
        offsets = np.arange(self.clip_len + 1) / self.fps
        return with_clips(results, np.array([first]), offsets, seconds)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(clip_len={self.clip_len}, fps={self.fps})"
