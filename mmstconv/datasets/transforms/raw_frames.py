"""Opening a folder of extracted frames in place of the video."""

from __future__ import annotations

from collections.abc import Mapping

from mmaction.registry import TRANSFORMS

from mmstconv.media import ImageFolderReader, MediaLimits
from mmstconv.media.reading.blank import BlankReader

from .checks import positive_number, require
from .opening import ABSENT_SIZE, OpenMedia


@TRANSFORMS.register_module()
class OpenRawFrames(OpenMedia):
    """Opens a folder of images as the video that they were extracted from.

    All that follows is the same: ``SampleClips``, ``LoadFrames``, augmentations, flow.
    No video is opened. The data set is ``MultiModalRawframeDataset`` or MMAction2's
    ``RawframeDataset``, whose names and numbers of images are kept.

    A sample that the data set has given up (``failure``) comes out as a file without
    video and sound.

    Required Keys:

        - filename, or frame_dir (of ``RawframeDataset``): the folder
        - total_frames (optional): images of the video; as many as there are without
        - filename_tmpl, start_index, offset (optional, of ``RawframeDataset``)
        - failure (optional)

    Added Keys:

        - filename
        - media
        - img_shape: height and width of the frames, for transforms with ``lazy=True``
          before ``LoadFrames``

    Args:
        fps: Images a second of the video, which tells when each is shown.
        template: Format of an image's name. Numbers begin at 0 if there is an image
            0, else at 1.
        limits: Arguments of ``mmstconv.media.MediaLimits``. None: its defaults.
    """

    def __init__(
        self,
        fps: float,
        template: str = "img_{:05}.jpg",
        limits: Mapping | MediaLimits | None = None,
    ) -> None:
        super().__init__(timeout=None, limits=limits)
        self.fps = positive_number("fps", fps)
        try:
            named = template.format(1) != template.format(2)
        except (AttributeError, IndexError, KeyError, ValueError):
            named = False
        if not named:
            raise ValueError(
                "template must have one field for the number of an image, such as "
                f"'img_{{:05}}.jpg', got {template!r}"
            )
        self.template = template

    def transform(self, results: dict) -> dict:
        stock = "frame_dir" in results
        if stock:
            results["filename"] = results["frame_dir"]
        folder = require(results, "filename", self, "MultiModalRawframeDataset")
        if results.get("failure"):
            results["media"] = BlankReader(folder)
            results["img_shape"] = ABSENT_SIZE
            return results
        first = results["start_index"] + results.get("offset", 0) if stock else None
        results["media"] = ImageFolderReader(
            folder,
            self.fps,
            results.get("filename_tmpl", self.template),
            results.get("total_frames"),
            first,
            self.limits,
        )
        results["img_shape"] = results["media"].stored_size[::-1]
        return results

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(fps={self.fps}, template={self.template!r}, "
            f"limits={self.limits})"
        )
