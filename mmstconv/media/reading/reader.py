"""One interface to video and sound of a file, on one clock."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from .view import View


@dataclass(frozen=True)
class MediaInfo:
    """What a file holds. Times are seconds on the container's clock.

    Args:
        path: The file.
        has_video: Whether it has a video stream (a cover picture is none).
        has_audio: Whether it has an audio stream.
        width: Of an upright frame, in pixels as ``frames_at`` returns it, that is, in
            square ones by default; 0 without video.
        height: The same.
        rotation: Degrees counter-clockwise by which stored frames are turned.
        mirrored: Whether stored frames are mirrored before they are turned.
        fps: Nominal frame rate, for information only; 0 without video.
        video_start: When the first frame is shown.
        video_end: When the last frame is no longer shown.
        sample_rate: Of the sound; 0 without.
        audio_start: When the sound begins.
        audio_end: When the sound ends.
    """

    path: str
    has_video: bool
    has_audio: bool
    width: int = 0
    height: int = 0
    rotation: int = 0
    mirrored: bool = False
    fps: float = 0.0
    video_start: float = 0.0
    video_end: float = 0.0
    sample_rate: int = 0
    audio_start: float = 0.0
    audio_end: float = 0.0


class MediaReader(ABC):
    """An open file. A context manager; times are seconds on the container's clock."""

    path: str
    has_video: bool
    has_audio: bool
    #: Whether time stamps tell where sound is to the sample. Matroska's do not: a piece
    #: of it may be placed a sample off, by what is read together with it.
    places_samples: bool = True
    #: Opens the same file once more; :func:`open_media` sets it.
    reopen: Callable[[], MediaReader] | None = None

    def __deepcopy__(self, memo: dict) -> MediaReader:
        """The file opened once more: transforms that try several ways copy results."""
        if self.reopen is None:
            raise TypeError(f"{self.path}: this reader cannot be copied")
        return self.reopen()

    @property
    @abstractmethod
    def info(self) -> MediaInfo:
        """Everything known of the file; decodes one frame."""

    @property
    @abstractmethod
    def extent(self) -> tuple[float, float]:
        """Start and end of the video, or of the sound where there is no video."""

    @property
    @abstractmethod
    def damage(self) -> tuple[str, ...]:
        """What was found broken in what has been read so far; empty for a whole file.

        For instance ``'3 video packets could not be decoded'``.
        """

    @property
    @abstractmethod
    def stored_size(self) -> tuple[int, int] | None:
        """Width and height of a frame before it is turned upright; None without video.

        In square pixels, unless the file was opened to leave them as they are.
        Cheap: no frame is decoded where the container tells.
        """

    @abstractmethod
    def frames_at(
        self,
        times: Sequence[float],
        short_side: int | None = None,
        view: View | None = None,
    ) -> list[np.ndarray]:
        """The frames shown at the given times.

        That is the last frame whose time stamp is not later, within half a tick of the
        container's clock; before the first frame the first, after the last the last.

        Args:
            times: In any order; a time may occur again.
            short_side: Pixels that the shorter side is scaled to while decoding, so
                that frames of the stored size are never held together; the aspect is
                kept. None leaves frames at their size, in square pixels.
            view: Instead: the part of each frame to see, and its size.

        Returns:
            One upright RGB image per time, uint8 ``(H, W, 3)``, each with its own
            memory.

        Raises:
            NoStreamError: If the file has no video.
            UnreadableMediaError: If no frame can be decoded.
            MediaLimitError: If a frame is larger than allowed.
            MediaTimeoutError: If it takes longer than allowed.
        """

    def frames_in_order(
        self,
        times: Sequence[float],
        short_side: int | None = None,
        view: View | None = None,
    ) -> Iterator[np.ndarray]:
        """The frames shown at rising times, one by one; only a few are held.

        Nothing is decoded twice, however long the file. While it runs, nothing else may
        be read from the file: sound needs a second opening.

        Args:
            times: Rising; none may occur again.
            short_side: As in :meth:`frames_at`, which says what may be raised.
            view: The same.
        """
        for time in times:
            yield self.frames_at([time], short_side, view)[0]

    @abstractmethod
    def waveform(self, start: float, stop: float, sample_rate: int) -> np.ndarray:
        """The sound of a window, mixed to mono.

        Placed by the time stamps of the sound; silence where there is none.

        Args:
            start: Of the window.
            stop: End of the window.
            sample_rate: Of the result, in Hz.

        Returns:
            float32 ``(round((stop - start) * sample_rate),)``.
        """

    @abstractmethod
    def close(self) -> None:
        """Releases the file."""

    def __enter__(self) -> MediaReader:
        return self

    def __exit__(self, *exc_info) -> None:
        self.close()
