"""Frames and sound that come from elsewhere, such as a camera, read like a file."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..trust.errors import NoStreamError
from .protocol import Media
from .view import View, see_image


class PushedMedia(Media):
    """The last frames and the last seconds of sound that were pushed.

    Args:
        fps: Frames a second: frame k is shown at ``k / fps``.
        frames: How many frames are kept.
        sample_rate: Of the sound, in Hz.
        seconds: How many seconds of sound before the newest frame are kept; what
            comes after it all is.
    """

    path = "stream"
    has_video = True

    def __init__(
        self, fps: float, frames: int, sample_rate: int, seconds: float
    ) -> None:
        self.fps = fps
        self.keep = frames
        self.sample_rate = sample_rate
        self.keep_samples = int(np.ceil(seconds * sample_rate)) + 1
        self.frames: list[np.ndarray] = []
        self.count = 0  # frames pushed so far
        self.sound = np.zeros(2 * self.keep_samples, np.float32)
        self.held = 0  # samples in ``sound``
        self.samples = 0  # samples pushed so far

    @property
    def has_audio(self) -> bool:
        return self.samples > 0

    @property
    def extent(self) -> tuple[float, float]:
        return 0.0, self.count / self.fps

    @property
    def stored_size(self) -> tuple[int, int] | None:
        return self.frames[-1].shape[1::-1] if self.frames else None

    def push_frame(self, frame: np.ndarray) -> None:
        """The next RGB frame, uint8 ``(H, W, 3)``.

        Raises:
            ValueError: It is none.
        """
        if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3:
            raise ValueError(
                f"expected an RGB frame, uint8 (H, W, 3), got {frame.dtype} "
                f"{frame.shape}"
            )
        self.frames = [*self.frames, frame][-self.keep :]
        self.count += 1

    def push_sound(self, samples: np.ndarray) -> None:
        """The next samples, mono float32 ``(n,)`` in [-1, 1].

        Raises:
            ValueError: They are none of these.
        """
        if samples.ndim != 1 or samples.dtype.kind != "f":
            raise ValueError(
                "expected samples of mono sound, floats (n,) in [-1, 1], got "
                f"{samples.dtype} {samples.shape}"
            )
        if self.held + len(samples) > len(self.sound):
            # Only what is that old for the frames, however far ahead the sound is.
            needed = int(self.count / self.fps * self.sample_rate) - self.keep_samples
            oldest = self.samples - self.held
            kept = self.sound[max(needed - oldest, 0) : self.held]
            room = max(len(self.sound), 2 * (len(kept) + len(samples)))
            self.sound, self.held = np.zeros(room, np.float32), len(kept)
            self.sound[: len(kept)] = kept
        self.sound[self.held : self.held + len(samples)] = samples
        self.held += len(samples)
        self.samples += len(samples)

    def frames_at(
        self,
        times: Sequence[float],
        short_side: int | None = None,
        view: View | None = None,
    ) -> list[np.ndarray]:
        if not self.frames:
            raise NoStreamError("stream", "has no frames yet")
        oldest = self.count - len(self.frames)
        images = []
        for time in times:
            number = int(np.clip(round(time * self.fps), oldest, self.count - 1))
            image = self.frames[number - oldest]
            whole = View.whole(*image.shape[1::-1], short_side)
            seen = see_image(image, view or whole)
            images.append(seen.copy() if seen is image else seen)
        return images

    def waveform(self, start: float, stop: float, sample_rate: int) -> np.ndarray:
        if sample_rate != self.sample_rate:
            raise ValueError(
                f"the sound is pushed at {self.sample_rate} Hz, asked for {sample_rate}"
            )
        first = round(start * sample_rate)
        length = round((stop - start) * sample_rate)
        window = np.zeros(length, np.float32)
        oldest = self.samples - self.held
        begin, end = max(first, oldest), min(first + length, self.samples)
        if begin < end:
            window[begin - first : end - first] = self.sound[
                begin - oldest : end - oldest
            ]
        return window
