"""From decoded frames to upright RGB images in square pixels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from ..reading.view import View, see_frame, see_image
from ..structure.codec_headers import CodecHeaders
from ..trust.errors import FileErrors
from .orientation import PHOTOGRAPHS, Orientation, orientation_of, says_mirrored
from .packet_source import Source

# Frames are held decoded up to this many bytes, then converted together: changing
# between decoding and converting for every frame is slower.
HELD_BYTES = 16 << 20
# Pixels are shown at most this many times wider or higher; a file that says more is
# wrong.
MAX_PIXEL_ASPECT = 4.0
# Remuxing rounds: a pixel whose aspect is closer than this to 1 is square.
SQUARE = 0.01


class FrameConverter:
    """Makes images of one video stream's frames.

    Args:
        source: The open container.
        stream: One of its video streams.
        headers: What the codec's own headers say.
        square_pixels: Whether frames are scaled to the shape they are shown in.
    """

    def __init__(
        self, source: Source, stream, headers: CodecHeaders, square_pixels: bool
    ) -> None:
        self.source = source
        self.stream = stream
        self.context = stream.codec_context
        self.headers = headers
        self._reformatter = VideoReformatter()
        self._square_pixels = square_pixels
        self._pixel_aspect: float | None = None
        self._mirrored = source.is_mirrored(stream)
        self._orientations: dict[int, Orientation] = {}

    def convert(
        self, frames: Iterable, short_side: int | None, view: View | None
    ) -> Iterator[np.ndarray]:
        """An image for each frame, each with its own memory; few frames are held.

        Args:
            frames: As decoded; a frame that is repeated comes several times in a row.
            short_side: See :meth:`Media.frames_at`.
            view: The same.
        """
        held: list = []
        held_bytes = 0
        for frame in frames:
            # The view of the first frame holds if the size changes within the file.
            view = view or self._whole(frame, short_side)
            held.append(frame)
            held_bytes += sum(plane.buffer_size for plane in frame.planes)
            if held_bytes > HELD_BYTES:
                yield from own_memory(self._converted(held, view))
                held, held_bytes = [], 0
        yield from own_memory(self._converted(held, view))

    def orientation(self, frame) -> Orientation:
        """What makes a decoded frame upright."""
        angle = frame.rotation
        if angle not in self._orientations:
            mirrored = self._mirrored
            if self.context.name in PHOTOGRAPHS:
                mirrored = says_mirrored(frame, mirrored)
            self._orientations[angle] = orientation_of(frame, mirrored)
        return self._orientations[angle]

    def shown_size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height of a decoded frame in square pixels."""
        return max(round(width * self.pixel_aspect), 1), height

    @property
    def pixel_aspect(self) -> float:
        """How much wider than high a pixel is shown; 1 where frames stay as they are.

        It is that of the whole file, so that all of its clips have one shape.
        """
        if self._pixel_aspect is None:
            aspect = 1.0
            if self._square_pixels:
                aspect = self._stated_aspect()
                usual = 1 / MAX_PIXEL_ASPECT <= aspect <= MAX_PIXEL_ASPECT
                if not usual or abs(aspect - 1) < SQUARE:
                    aspect = 1.0
            self._pixel_aspect = aspect
        return self._pixel_aspect

    def _stated_aspect(self) -> float:
        """As the container says, or else the codec; 0 if neither does."""
        container = self.stream.sample_aspect_ratio
        if container:
            return float(container)
        width, height = self.headers.pixel_aspect
        if width and height:
            return width / height
        with suppress(av.FFmpegError):
            self.context.open(strict=False)  # some decoders read it there
        return float(self.context.sample_aspect_ratio or 0)

    def _whole(self, frame, short_side: int | None) -> View:
        """All of a frame, upright; at its own size if there is no short side."""
        width, height = self.shown_size(frame.width, frame.height)
        if self.orientation(frame).swaps_sides:
            width, height = height, width
        view = View.whole(width, height, short_side)
        if short_side is not None or width * height > frame.width * frame.height:
            # A frame of one row and many columns would grow out of all bounds.
            pixels = view.width * view.height
            self.source.limits.check(self.source.path, pixels=pixels)
        return view

    def _converted(self, frames: list, view: View) -> list[np.ndarray]:
        """An image for each frame; the same object where a frame is repeated."""
        images: list[np.ndarray] = []
        for index, frame in enumerate(frames):
            repeated = index > 0 and frame is frames[index - 1]
            images.append(images[-1] if repeated else self._image(frame, view))
        return images

    def _image(self, frame, view: View) -> np.ndarray:
        orientation = self.orientation(frame)
        view = view.turned() if orientation.swaps_sides else view
        image = None
        if not view.is_whole(frame.width, frame.height):
            with FileErrors(self.source.path, "converted to RGB"):
                image = see_frame(frame, view)
        if image is None:
            image = see_image(self._to_rgb(frame), view)
        return orientation(image)

    def _to_rgb(self, frame) -> np.ndarray:
        # One reformatter for all frames, as setting it up is slow; on one thread, as
        # others would be started for every frame.
        with FileErrors(self.source.path, "converted to RGB"):
            image = self._reformatter.reformat(frame, format="rgb24", threads=1)
            return image.to_ndarray()


def own_memory(images: Sequence[np.ndarray]) -> Iterator[np.ndarray]:
    """The images, copied where one is listed twice: augmentations write into them."""
    used: set[int] = set()
    for image in images:
        yield image.copy() if id(image) in used else image
        used.add(id(image))
