"""Reading video with decord; sound and file information as with PyAV."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from .containers import absolute
from .errors import NoStreamError, UnreadableMediaError
from .pyav_reader import PyAVReader

# decord guesses the format: a name that FFmpeg takes for a pattern of image files must
# not reach it.
SUFFIXES = {".mp4", ".m4v", ".mov", ".3gp", ".3g2", ".mkv", ".webm", ".flv"}
# Elsewhere it was seen to seek to wrong frames (AVI, ASF), or to fail (MPEG streams).
DEMUXERS = {"mov", "matroska", "flv"}
# Elsewhere decord leaves frames as they are stored, whatever the display matrix says.
TURNED_BY_DECORD = {"mov"}


class DecordReader(PyAVReader):
    """A media file whose frames decord decodes.

    decord's own sound reader is not used: it returns NaN for stereo, leaks, and ignores
    when the sound begins. Where decord cannot be trusted with a file, or is known to
    get it wrong (AVI, open groups of pictures, odd sizes, some rotations), PyAV decodes
    it instead, so the result does not depend on the reader.

    Args:
        path: A file of this machine.
    """

    def __init__(self, path: str | os.PathLike) -> None:
        try:
            import decord
        except ImportError as error:
            raise ImportError(
                "reader='decord' needs the package decord; install it or use "
                "reader='pyav'"
            ) from error
        super().__init__(path)
        self._decord = decord
        self._timeline: tuple | None = None
        suffix = os.path.splitext(self.path)[1].lower()
        self.uses_decord = (
            self.format.guessable
            and self.format.demuxer in DEMUXERS
            and suffix in SUFFIXES
        )

    def frames_at(self, times: Sequence[float]) -> list[np.ndarray]:
        if not self._video:
            raise NoStreamError(self.path, "has no video")
        if self._timeline is None and self.uses_decord:
            self._open_video()
        if not self.uses_decord:
            return super().frames_at(times)
        reader, stamps = self._timeline
        times = np.asarray(times, np.float64)
        if not np.isfinite(times).all():
            raise ValueError("times must be finite numbers")
        index = np.searchsorted(stamps, times + self._video.tolerance, "right") - 1
        frames, places = np.unique(index.clip(0), return_inverse=True)
        try:
            images = reader.get_batch(frames.tolist()).asnumpy()
        except self._decord.DECORDError as error:
            raise UnreadableMediaError(
                self.path, f"decord cannot decode it: {error}", "try reader='pyav'"
            ) from error
        return [images[place].copy() for place in places.ravel()]

    def _open_video(self) -> None:
        """Opens the video with decord, unless it would get this file wrong.

        decord numbers the frames; which number is shown when is told by the time stamps
        of the packets, since decord's own are relative to the first frame and missing
        for some files.
        """
        info, packets = self.info, self._video.packets()
        turned = info.rotation != 0 and self.format.demuxer not in TURNED_BY_DECORD
        odd = info.width % 2 or info.height % 2  # its chroma comes out displaced
        if turned or odd or info.mirrored or not _is_plain(packets):
            self.uses_decord = False
            return
        try:
            reader = self._decord.VideoReader(absolute(self.path), num_threads=1)
        except self._decord.DECORDError as error:
            raise UnreadableMediaError(
                self.path, f"decord cannot open it: {error}", "try reader='pyav'"
            ) from error
        if len(reader) != len(packets):
            self.uses_decord = False
            return
        stamps = np.sort([packet.pts for packet in packets]) * self._video.tick
        self._timeline = reader, stamps

    def close(self) -> None:
        self._timeline = None
        super().close()


def _is_plain(packets: list) -> bool:
    """Whether counting packets counts frames, and each key frame is a fresh start.

    After the key frame of an open group of pictures come frames that are shown before
    it; decord counts them wrong when it seeks there.
    """
    key = None
    for packet in packets:
        if packet.pts is None or packet.is_discard:
            return False
        if packet.is_keyframe:
            key = packet.pts
        elif key is None or packet.pts < key:
            return False
    return bool(packets)
