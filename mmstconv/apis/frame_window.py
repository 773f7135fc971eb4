"""Which frames of a file a model sees, and which it is to forecast."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from mmaction.registry import TRANSFORMS

from ..datasets.transforms.roles import role_of
from ..disk import public_name
from ..media.remote import open_at

#: Seconds that times may differ by: ends of files are whole ticks of their clocks.
ROUNDING = 1e-3


class FrameWindowError(ValueError):
    """A file does not show what is asked for; names it, and what it shows."""


class FrameWindow(NamedTuple):
    """What a pipeline sees and forecasts.

    Args:
        steps: Of the pipeline.
        clip: Place of what chooses the clip.
        split: Place of ``SplitFuture``.
        seen: Frames.
        fps: Frames a second.
    """

    steps: list[dict]
    clip: int
    split: int
    seen: int
    fps: float

    @classmethod
    def of_pipeline(cls, pipeline: Sequence[Mapping]) -> FrameWindow:
        """Finds the steps that say it.

        Raises:
            ValueError: They are not there.
        """
        steps = [dict(step) for step in pipeline]
        kinds = [step["type"] for step in steps]
        kinds = [TRANSFORMS.get(k) if isinstance(k, str) else k for k in kinds]
        names = [getattr(kind, "__name__", None) for kind in kinds]
        clips = [
            k for k, one in enumerate(kinds) if one and role_of(one).step == "clip"
        ]
        if not clips or "fps" not in steps[clips[0]] or "SplitFuture" not in names:
            raise ValueError(
                "the pipeline must choose a clip of a file by fps (SampleWindow) and "
                f"divide it (SplitFuture), got {names}: this model's data are no "
                "files, give it the pipeline of another config"
            )
        split = names.index("SplitFuture")
        return cls(
            steps, clips[0], split, steps[split]["seen"], float(steps[clips[0]]["fps"])
        )

    def true_frames(self, path: str | os.PathLike, at: float, frames: int) -> int:
        """How many of the frames to come the file has.

        Raises:
            FrameWindowError: There are no pictures, or ``at`` lies outside of them or
                too early.
        """
        with open_at(path) as media:
            has_video, (begin, end) = media.has_video, media.extent
        needed = self.seen / self.fps
        name = public_name(os.fspath(path))
        where = f"{name} shows {begin:.2f} to {end:.2f} s"
        if not has_video:
            raise FrameWindowError(f"{name} has no pictures")
        if end - begin + ROUNDING < needed:
            raise FrameWindowError(
                f"{where}: too short, the model sees {self.seen} frames at "
                f"{self.fps:g} a second, {needed:.2f} s"
            )
        if not begin <= at <= end + ROUNDING:
            raise FrameWindowError(f"{where}: at={at:g} lies outside of it")
        if at - needed < begin - ROUNDING:
            first = math.ceil((begin + needed - ROUNDING) * 100) / 100
            raise FrameWindowError(
                f"{where}: at={at:g} is too early, the model sees {self.seen} frames "
                f"at {self.fps:g} a second before it; give {first:.2f} or more"
            )
        room = end - ROUNDING - at
        return 0 if room <= 0 else min(frames, int(room * self.fps) + 1)

    def pipeline(self, future: int) -> list[dict]:
        """Steps that take a window with so many frames to come."""
        steps = [dict(step) for step in self.steps]
        length = self.seen + future
        steps[self.clip] = dict(type="SampleWindow", clip_len=length, fps=self.fps)
        steps[self.split]["future"] = future
        for step in steps:
            keys = step.get("algorithm_keys")
            if keys and not future:
                step["algorithm_keys"] = [k for k in keys if k != "gt_frames"]
        return steps
