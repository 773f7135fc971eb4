"""The interface of an open file: video and sound on one clock."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from .protocol import Media
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


class MediaReader(Media):
    """An open file. A context manager; times are seconds on the container's clock."""

    path: str
    #: Whether time stamps say to the sample where sound is. Matroska's do not: where a
    #: piece of sound is put may then differ by a sample with the window that is read.
    places_samples: bool = True
    #: Opens the same file once more; ``open_media`` sets it.
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
    def damage(self) -> tuple[str, ...]:
        """What was found broken in what has been read so far; empty for a whole file.

        For instance ``'3 video packets could not be decoded'``.
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
    def close(self) -> None:
        """Releases the file."""

    def __enter__(self) -> MediaReader:
        return self

    def __exit__(self, *exc_info) -> None:
        self.close()
