"""Reading video with decord; sound and file information as with PyAV."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Sequence

import numpy as np

from ..pyav.orientation import Orientation
from ..pyav.pyav_reader import PyAVReader
from ..reading.view import View, see_image
from ..trust.errors import NoStreamError
from ..trust.formats import absolute
from ..trust.limits import MediaLimits
from ..trust.sources import Source
from .process import PROCESS, DecordError

# Files of other names are not given to decord: it guesses the format, also by the name,
# which FFmpeg may take for a pattern of image files.
SUFFIXES = {".mp4", ".m4v", ".mov", ".3gp", ".3g2", ".mkv", ".webm", ".flv"}
# In other containers decord seeks to wrong frames (AVI, ASF) or fails (MPEG streams).
DEMUXERS = {"mov", "matroska", "flv"}
# In other containers decord leaves frames as stored, whatever the display matrix says.
TURNED_BY_DECORD = {"mov"}
# Bytes of frames held in memory at once, at full size.
BLOCK_BYTES = 16 << 20


class DecordReader(PyAVReader):
    """A media file whose frames decord decodes, in a process of its own.

    Sound is read with PyAV: decord's own reader returns NaN for stereo, leaks, and
    ignores when the sound begins. PyAV also decodes the frames where decord fails,
    complains, or is known to be wrong (AVI, open groups of pictures, odd sizes, some
    rotations), so the result does not depend on the reader.

    Args:
        source: A file of this machine; the content of one, or one that is elsewhere, is
            decoded by PyAV.
        limits: What the file may have; None is ``MediaLimits()``.
        timeout: Seconds that opening, and each call, may take; None is no limit.
        square_pixels: Whether frames are scaled to the shape they are shown in.
    """

    def __init__(
        self,
        source: Source,
        limits: MediaLimits | None = None,
        timeout: float | None = None,
        square_pixels: bool = True,
    ) -> None:
        if importlib.util.find_spec("decord") is None:
            raise ImportError(
                "reader='decord' needs the package decord; install it or use "
                "reader='pyav'"
            )
        self._stamps: np.ndarray | None = None
        super().__init__(source, limits, timeout, square_pixels)
        suffix = os.path.splitext(self.path)[1].lower()
        self.uses_decord = (
            isinstance(source, (str, os.PathLike))
            and self.format.guessable
            and self.format.demuxer in DEMUXERS
            and suffix in SUFFIXES
        )

    def frames_at(
        self,
        times: Sequence[float],
        short_side: int | None = None,
        view: View | None = None,
    ) -> list[np.ndarray]:
        if not self.video:
            raise NoStreamError(self.path, "has no video")
        times = np.asarray(times, np.float64)
        if not np.isfinite(times).all():
            raise ValueError("times must be finite numbers")
        if self.uses_decord:
            self.source.deadline.start()
            try:
                if self._stamps is None:
                    self._open_video()
                if self.uses_decord:
                    return self._decode(times, short_side, view)
            except DecordError:
                self.uses_decord = False
            except TimeoutError:
                raise self.source.deadline.error() from None
        return super().frames_at(times, short_side, view)

    def _decode(
        self, times: np.ndarray, short_side: int | None, view: View | None
    ) -> list[np.ndarray]:
        index = np.searchsorted(self._stamps, times + self.video.tolerance, "right")
        numbers, places = np.unique((index - 1).clip(0), return_inverse=True)
        images: list[np.ndarray] = []
        together = max(1, BLOCK_BYTES // (3 * self.info.width * self.info.height))
        for block in PROCESS.frames(
            absolute(self.path),
            numbers.tolist(),
            together,
            self.source.deadline.seconds,
        ):
            images += [self._finished(image, short_side, view) for image in block]
        used: set[int] = set()
        result = []
        for place in places.ravel().tolist():
            # Augmentations write into images, so none may be listed twice.
            result.append(images[place].copy() if place in used else images[place])
            used.add(place)
        return result

    def _finished(
        self, image: np.ndarray, short_side: int | None, view: View | None
    ) -> np.ndarray:
        # A view is a part of the stored frame, but decord has turned the frame already.
        turned = Orientation(self.info.rotation // 90)
        stored = turned.undone(image)
        if view is None:
            width, height = self.video.converter.shown_size(*stored.shape[1::-1])
            sides = (height, width) if turned.swaps_sides else (width, height)
            view = View.whole(*sides, short_side)
        view = view.turned() if turned.swaps_sides else view
        return turned(see_image(stored, view)).copy()

    def _open_video(self) -> None:
        """Opens the video with decord, unless decord would get this file wrong.

        decord numbers the frames. The packets' time stamps tell when each is shown:
        decord's own are relative to the first frame, and some files lack them.
        """
        info, packets = self.info, self.video.packets()
        turned = info.rotation != 0 and self.format.demuxer not in TURNED_BY_DECORD
        context = self.video.context
        odd = context.width % 2 or context.height % 2  # its chroma comes out displaced
        if turned or odd or info.mirrored or not _is_plain(packets):
            self.uses_decord = False
            return
        seconds = self.source.deadline.seconds
        if PROCESS.count(absolute(self.path), seconds) != len(packets):
            self.uses_decord = False
            return
        self._stamps = np.sort([packet.pts for packet in packets]) * self.video.tick

    def close(self) -> None:
        if self._stamps is not None:
            self._stamps = None
            PROCESS.release()
        super().close()


def _is_plain(packets: list) -> bool:
    """Whether each packet is a frame, and no group of pictures is open.

    In an open group, frames that are shown before the key frame follow it. decord
    counts these wrong when it seeks.
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
