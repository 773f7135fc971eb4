"""Opening the media file of a sample."""

from __future__ import annotations

from collections.abc import Mapping

from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from mmstconv.disk import FETCH_ADVICE, is_remote, public_name
from mmstconv.media import READERS, MediaLimits, open_media, part_of_file
from mmstconv.media.reading.blank import BlankReader
from mmstconv.media.trust.sources import Source

from .checks import one_of, positive_number, require
from .roles import Role

ABSENT_SIZE = (256, 256)  # height and width of black frames for a missing video


@TRANSFORMS.register_module()
class OpenMedia(BaseTransform):
    """Opens the file once, for all modalities.

    A sample that the data set has given up (``failure``) is not opened: it comes out
    as a file without video and sound. A file elsewhere is opened if ``FetchMedia``
    comes before.

    Required Keys:

        - filename
        - source (optional): what is opened in its place, of ``FetchMedia``
        - part (optional): path, offset and size of a file that lies within another one
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
                self._source(filename, results),
                self.reader,
                limits=self.limits,
                timeout=self.timeout,
                square_pixels=self.square_pixels,
            )
        size = results["media"].stored_size or ABSENT_SIZE
        results["img_shape"] = size[::-1]
        return results

    def _source(self, filename: str, results: dict) -> Source:
        """What is opened: the file itself, or what it is a name of."""
        if "source" in results:
            return results["source"]
        if "part" in results:
            return part_of_file(*results["part"], filename)
        if is_remote(filename):
            raise ValueError(f"{public_name(filename)} {FETCH_ADVICE}")
        return filename

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(reader={self.reader!r}, timeout={self.timeout}, "
            f"limits={self.limits}, square_pixels={self.square_pixels})"
        )
