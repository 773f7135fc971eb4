"""What a sample gets in place of a file that cannot be used."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from ..trust.errors import NoStreamError
from .reader import MediaInfo, MediaReader
from .view import View


class BlankReader(MediaReader):
    """One second without video and sound.

    Args:
        path: The file that it stands for, which is not opened.
    """

    has_video = False
    has_audio = False
    extent = (0.0, 1.0)
    damage = ()
    stored_size = None

    def __init__(self, path: str | os.PathLike) -> None:
        self.path = os.fspath(path)

    def __deepcopy__(self, memo: dict) -> BlankReader:
        return BlankReader(self.path)

    @property
    def info(self) -> MediaInfo:
        return MediaInfo(self.path, has_video=False, has_audio=False)

    def frames_at(
        self,
        times: Sequence[float],
        short_side: int | None = None,
        view: View | None = None,
    ) -> list[np.ndarray]:
        raise NoStreamError(self.path, "has no video")

    def waveform(self, start: float, stop: float, sample_rate: int) -> np.ndarray:
        return np.zeros(round((stop - start) * sample_rate), np.float32)

    def close(self) -> None:
        pass
