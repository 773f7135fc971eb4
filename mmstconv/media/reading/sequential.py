"""A long file read once from its beginning to its end, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from .protocol import Media
from .reader import MediaReader
from .view import View

# Seconds of sound that are decoded at a time, and as many that are kept before.
SOUND_BLOCK = 20.0


class SequentialMedia(Media):
    """A file whose frames are asked for piece by piece, in rising order.

    A piece may begin with the last frame of the piece before, which is not decoded
    again. Windows of sound may overlap and must rise, too: sound is decoded in blocks,
    or window by window where time stamps are coarser than samples.

    Args:
        open_file: Opens the file. It is called twice, since frames and sound are read
            at two places.
        times: Of all frames that will be asked for; rising.
    """

    def __init__(
        self, open_file: Callable[[], MediaReader], times: Sequence[float]
    ) -> None:
        self._video = open_file()
        self._sound: MediaReader | None = None
        self._open_file = open_file
        self._times = np.asarray(times, np.float64)
        self.path = self._video.path
        self.has_video = self._video.has_video
        self.has_audio = self._video.has_audio
        self._frames: Iterator[np.ndarray] | None = None
        self._next = 0
        self._last: np.ndarray | None = None
        self._block: np.ndarray | None = None
        self._block_start = 0  # number of its first sample
        self._rate = 0

    @property
    def extent(self) -> tuple[float, float]:
        return self._video.extent

    @property
    def stored_size(self) -> tuple[int, int] | None:
        return self._video.stored_size

    @property
    def damage(self) -> tuple[str, ...]:
        """What was found broken so far, by both openings."""
        readers = [self._video] + ([self._sound] if self._sound else [])
        return tuple(dict.fromkeys(what for one in readers for what in one.damage))

    def frames_at(
        self,
        times: Sequence[float],
        short_side: int | None = None,
        view: View | None = None,
    ) -> list[np.ndarray]:
        """The next frames; ``short_side`` and ``view`` are those of the first call.

        Raises:
            ValueError: If the times are not the next ones.
        """
        times = np.asarray(times, np.float64)
        frames = []
        if self._next and times[0] == self._times[self._next - 1]:
            frames.append(self._last.copy())
        stop = self._next + len(times) - len(frames)
        if not np.array_equal(times[len(frames) :], self._times[self._next : stop]):
            raise ValueError(f"frames must be read in order, got the times {times}")
        if self._frames is None:
            self._frames = self._video.frames_in_order(self._times, short_side, view)
        for _ in range(self._next, stop):
            frames.append(next(self._frames))
        self._next = stop
        self._last = frames[-1].copy()
        return frames

    def waveform(self, start: float, stop: float, sample_rate: int) -> np.ndarray:
        """A window of sound, on the grid of the sample rate."""
        if self._sound is None:
            self._sound = self._open_file()
        if not self._sound.places_samples:
            # Its samples then depend on where reading began: each window by itself.
            return self._sound.waveform(start, stop, sample_rate)
        length = round((stop - start) * sample_rate)
        first = round(start * sample_rate)
        if self._block is None or sample_rate != self._rate:
            self._block = np.zeros(0, np.float32)
            self._block_start, self._rate = first, sample_rate
        if first < self._block_start:
            raise ValueError(f"sound must be read in order, got a window at {start} s")
        end = self._block_start + len(self._block)
        if first + length > end:
            more = max(round(SOUND_BLOCK * sample_rate), first + length - end)
            begin = max(end, first)
            new = self._sound.waveform(
                begin / sample_rate, (begin + more) / sample_rate, sample_rate
            )
            kept = self._block[first - self._block_start :]
            self._block = np.concatenate([kept, new])
            self._block_start = first
        offset = first - self._block_start
        return self._block[offset : offset + length].copy()

    def close(self) -> None:
        """Closes both openings of the file."""
        if self._frames is not None:
            self._frames.close()
        self._video.close()
        if self._sound is not None:
            self._sound.close()

    def __enter__(self) -> SequentialMedia:
        return self

    def __exit__(self, *exc_info) -> None:
        self.close()
