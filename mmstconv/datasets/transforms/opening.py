"""Opening the media file of a sample."""

from __future__ import annotations

from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from mmstconv.media import READERS, open_media

from .checks import one_of, require


@TRANSFORMS.register_module()
class OpenMedia(BaseTransform):
    """Opens the file once, for all modalities.

    Required Keys:

        - filename

    Added Keys:

        - media

    Args:
        reader: ``'pyav'`` or ``'decord'``. Both give the same frames to within
            decoder rounding.
    """

    def __init__(self, reader: str = "pyav") -> None:
        self.reader = one_of("reader", reader, list(READERS))

    def transform(self, results: dict) -> dict:
        filename = require(results, "filename", self, "a video dataset")
        results["media"] = open_media(filename, self.reader)
        return results

    def __repr__(self) -> str:
        return f"{type(self).__name__}(reader={self.reader!r})"
