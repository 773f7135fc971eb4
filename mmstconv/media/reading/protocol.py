"""What transforms ask of anything that gives frames and sound."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from .view import View


class Media(Protocol):
    """Frames and sound on one clock, in seconds.

    Files are opened as :class:`MediaReader`, which adds what only a file has. A camera
    (:class:`PushedMedia`) and a file that is read piece by piece
    (:class:`SequentialMedia`) give this much. ``path`` says where it comes from.
    """

    path: str
    has_video: bool
    has_audio: bool

    @property
    @abstractmethod
    def extent(self) -> tuple[float, float]:
        """Start and end of the video, or of the sound where there is no video."""

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
                that memory does not depend on the size of the stored frames; the aspect
                is kept. None leaves frames at their size, in square pixels.
            view: Instead of ``short_side``: the part of each frame to see, and its
                size.

        Returns:
            One upright RGB image per time, uint8 ``(H, W, 3)``, each with its own
            memory.

        Raises:
            NoStreamError: If there is no video.
            UnreadableMediaError: If no frame can be decoded.
            MediaLimitError: If a frame is larger than allowed.
            MediaTimeoutError: If it takes longer than allowed.
        """

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
