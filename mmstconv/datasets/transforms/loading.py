"""Loading the frames and the sound of the clips."""

from __future__ import annotations

import mmcv
import numpy as np
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from mmstconv.media import View

from . import stock  # noqa: F401  FormatShape learns of the frame that is added here
from .checks import positive_int, positive_number, require
from .opening import ABSENT_SIZE
from .roles import Role


def mark_presence(results: dict, present: bool, *modalities: str) -> None:
    """Writes down whether the file has what the modalities are made of."""
    presence = dict(results.get("presence", {}))
    presence.update(dict.fromkeys(modalities, bool(present)))
    results["presence"] = presence


@TRANSFORMS.register_module()
class LoadFrames(BaseTransform):
    """Decodes the frames at the clips' times.

    Crops, resizing and flips that came before with ``lazy=True`` are done here, on the
    decoded planes: only what is left of a frame is converted to RGB. MMAction2's lazy
    transforms ask for ``img_shape``, which ``OpenMedia`` gives: the size of the frame
    as stored. Where a quarter turn makes it upright, the crop is still the one chosen
    on the stored frame.

    A file without video gives black frames and is marked absent.

    Required Keys:

        - media
        - frame_times
        - lazy, img_shape (optional)

    Added Keys:

        - imgs: list of uint8 RGB ``(H, W, 3)``, clip after clip, upright
        - original_shape
        - img_shape
        - presence: of ``rgb`` and ``flow``

    Removed Keys:

        - lazy

    Args:
        short_side: Scale frames while decoding so that the shorter side has that many
            pixels, as ``Resize(scale=(-1, short_side))`` does afterwards: memory then
            does not depend on the size of the video. None: as they are, or as lazy
            transforms say.
    """

    role = Role("frames", modalities=("rgb",))

    def __init__(self, short_side: int | None = None) -> None:
        if short_side is not None:
            short_side = positive_int("short_side", short_side)
        self.short_side = short_side

    def transform(self, results: dict) -> dict:
        media = require(results, "media", self, "OpenMedia")
        times = require(results, "frame_times", self, "SampleClips").ravel()
        lazy = results.pop("lazy", None)
        view = None if lazy is None else self._view(lazy, results["img_shape"])
        if media.has_video:
            frames = media.frames_at(times, self.short_side, view)
        else:
            side = self.short_side
            shape = (side, side) if side else ABSENT_SIZE
            shape = (view.height, view.width) if view else shape
            frames = [np.zeros((*shape, 3), np.uint8) for _ in times]
        if lazy is not None and lazy["flip"]:
            for image in frames:
                mmcv.imflip_(image, lazy["flip_direction"])
        results["imgs"] = frames
        results["original_shape"] = results["img_shape"] = frames[0].shape[:2]
        mark_presence(results, media.has_video, "rgb", "flow")
        return results

    def probe(self, results: dict) -> dict[str, bool]:
        """Which modalities the file has, without decoding it."""
        return dict.fromkeys(("rgb", "flow"), results["media"].has_video)

    def _view(self, lazy: dict, shape: tuple[int, int]) -> View:
        if self.short_side is not None:
            raise ValueError(
                "LoadFrames: lazy transforms before it decide the size of the frames; "
                f"leave out short_side={self.short_side}"
            )
        if lazy["interpolation"] not in (None, "bilinear"):
            raise ValueError(
                "LoadFrames scales bilinearly; the lazy Resize before it asks for "
                f"{lazy['interpolation']!r}"
            )
        height, width = lazy["original_shape"]
        box = np.asarray(lazy["crop_bbox"], np.float64) / ([width, height] * 2)
        return View(shape[1], shape[0], tuple(np.clip(box, 0, 1).tolist()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}(short_side={self.short_side})"


@TRANSFORMS.register_module()
class LoadWaveform(BaseTransform):
    """Decodes the sound of the clips' time windows.

    A file without sound gives silence and is marked absent.

    At another ``speed`` (:class:`SampleClips`) the sound is that of a file which plays
    faster or slower, its pitch with it: `speed perturbation
    <https://www.isca-archive.org/interspeech_2015/ko15_interspeech.html>`_. Its length
    is the same at every speed.

    Of a sample that is about a ``segment`` of the file nothing beyond is heard: it is
    silent there, as beyond the ends of a file.

    Required Keys:

        - media
        - clip_starts
        - clip_duration
        - speed (optional)
        - segment (optional): begin and end in seconds

    Added Keys:

        - waveform: float32 ``(num_clips, L)``, mono, with
          ``L = round((clip_duration / speed + context) * sample_rate)``
        - sample_rate
        - presence: of ``audio``

    Args:
        sample_rate: In Hz, whatever the file's rate.
        context: Seconds added to the clip's duration, half before and half after; of
            the sound as it is heard.
    """

    role = Role(
        "sound", modalities=("audio",), of_windows=True, settings=("sample_rate",)
    )

    def __init__(self, sample_rate: int = 16000, context: float = 0.0) -> None:
        self.sample_rate = positive_int("sample_rate", sample_rate)
        self.context = positive_number("context", context, allow_zero=True)

    def transform(self, results: dict) -> dict:
        media = require(results, "media", self, "OpenMedia")
        starts = require(results, "clip_starts", self, "SampleClips")
        duration = results["clip_duration"]
        speed = results.get("speed", 1.0)
        seconds = duration / speed + self.context
        # the same at every speed: a product that ends in .5 is rounded alike
        length = max(round(round(seconds * self.sample_rate, 6)), 1)
        rate = round(self.sample_rate / speed)
        window = length / rate
        segment = results.get("segment")
        results["waveform"] = np.stack(
            [
                _within(
                    media.waveform(begin, begin + window, rate), begin, rate, segment
                )
                for begin in starts + (duration - window) / 2
            ]
        )
        results["sample_rate"] = self.sample_rate
        mark_presence(results, media.has_audio, "audio")
        return results

    def probe(self, results: dict) -> dict[str, bool]:
        """Which modalities the file has, without decoding it."""
        return {"audio": results["media"].has_audio}

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(sample_rate={self.sample_rate}, "
            f"context={self.context})"
        )


def _within(
    sound: np.ndarray, begin: float, rate: int, segment: tuple[float, float] | None
) -> np.ndarray:
    """Sound that begins at a time, ``(L,)``, silent outside of the segment."""
    if segment is None:
        return sound
    times = begin + np.arange(len(sound)) / rate
    half = 0.5 / rate  # times are rounded
    inside = (times > segment[0] - half) & (times < segment[1] - half)
    return np.where(inside, sound, np.float32(0))
