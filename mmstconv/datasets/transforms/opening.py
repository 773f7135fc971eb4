"""Opening the media file of a sample."""

from __future__ import annotations

from collections.abc import Mapping

from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from mmstconv.media import READERS, MediaLimits, open_media
from mmstconv.media.reading.blank import BlankReader

from .checks import one_of, positive_number, require
from .roles import Role

ABSENT_SIZE = (256, 256)  # height and width of black frames for a missing video


@TRANSFORMS.register_module()
class OpenMedia(BaseTransform):
    """Opens the file once, for all modalities.

    A sample that the data set has given up (``failure``) is not opened: it comes out
    as a file without video and sound.

    Required Keys:

        - filename
        - failure (optional)

    Added Keys:

        - media
        - img_shape: height and width of frames before they are turned upright, for
          transforms with ``lazy=True`` before ``LoadFrames``

    Args:
        reader: ``'pyav'`` or ``'decord'``. Both give the same frames to within
            decoder rounding.
        timeout: Seconds of processor time that opening, and then each reading of
            frames or sound, may take, and ten times as many by the clock; None is no
            limit.
        limits: Arguments of ``mmstconv.media.MediaLimits``: ``max_pixels``,
            ``max_seconds``, ``max_streams``, ``max_bytes``. None: its defaults.
        square_pixels: Whether frames get the shape they are shown in, where the file
            stores other than square pixels (DV, DVB, DVD).
    """

    role = Role("open")

    def __init__(
        self,
        reader: str = "pyav",
        timeout: float | None = 60.0,
        limits: Mapping | MediaLimits | None = None,
        square_pixels: bool = True,
    ) -> None:
        self.square_pixels = square_pixels
        self.reader = one_of("reader", reader, list(READERS))
        self.timeout = None if timeout is None else positive_number("timeout", timeout)
        self.limits = MediaLimits(**limits) if isinstance(limits, Mapping) else limits

    def transform(self, results: dict) -> dict:
        filename = require(results, "filename", self, "a video dataset")
        if results.get("failure"):
            results["media"] = BlankReader(filename)
        else:
            results["media"] = open_media(
                filename,
                self.reader,
                limits=self.limits,
                timeout=self.timeout,
                square_pixels=self.square_pixels,
            )
        size = results["media"].stored_size or ABSENT_SIZE
        results["img_shape"] = size[::-1]
        return results

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(reader={self.reader!r}, timeout={self.timeout}, "
            f"limits={self.limits}, square_pixels={self.square_pixels})"
        )
