"""Frames that were extracted already: numbered images of a folder, on one clock."""

from __future__ import annotations

import io
import os
from bisect import bisect_right
from collections.abc import Sequence
from functools import partial
from string import Formatter

import cv2
import numpy as np
from PIL import Image

from ..trust.errors import NoStreamError, UnreadableMediaError
from ..trust.limits import MediaLimits
from .reader import MediaInfo, MediaReader
from .view import View, scale, see_image

IMAGE_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "PPM")


def image_numbers(folder: str | os.PathLike, template: str, **fixed: str) -> list[int]:
    """The numbers of the images in a folder, rising.

    Args:
        folder: Where they are. If there is no such folder, there are no images.
        template: Format of an image's name, with one field for the number.
        **fixed: Values of the other fields of the template.
    """
    ends, numbered = ["", ""], False
    for literal, field, spec, _ in Formatter().parse(template):
        ends[numbered] += literal
        if field in fixed:
            ends[numbered] += format(fixed[field], spec)
        elif field is not None:
            numbered = True
    inside, before = os.path.split(ends[0])
    try:
        names = os.listdir(os.path.join(folder, inside))
    except (FileNotFoundError, NotADirectoryError):
        return []
    stop = -len(ends[1]) or None
    parts = (
        name[len(before) : stop]
        for name in names
        if name.startswith(before) and name.endswith(ends[1])
    )
    return sorted(int(part) for part in parts if part.isdecimal())


def image_size(data: bytes, path: str, limits: MediaLimits) -> tuple[int, int]:
    """Width and height that an image states, before it is decoded.

    Raises:
        MediaError: It is no image, or larger than allowed.
    """
    try:
        with Image.open(io.BytesIO(data), formats=IMAGE_FORMATS) as image:
            size = image.size
    except Exception as error:  # whatever a decoder makes of a file is about the file
        raise UnreadableMediaError(path, "is not a readable image") from error
    limits.check(path, pixels=size[0] * size[1])
    return size


def read_image(
    path: str | os.PathLike, limits: MediaLimits, grey: bool = False
) -> np.ndarray:
    """An image at 8 bits: RGB ``(H, W, 3)``, or ``(H, W)``.

    Raises:
        OSError: It cannot be read.
        MediaError: It is no image, or larger than allowed.
    """
    with open(path, "rb") as file:
        data = file.read()
    image_size(data, os.fspath(path), limits)
    flag = cv2.IMREAD_GRAYSCALE if grey else cv2.IMREAD_COLOR
    image = cv2.imdecode(np.frombuffer(data, np.uint8), flag)
    if image is None:
        raise UnreadableMediaError(os.fspath(path), "is not a readable image")
    return image if grey else cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


class ImageFolderReader(MediaReader):
    """A folder of images as the video that they were extracted from.

    Image k, from 0, is shown from ``k / fps`` on. Where one is missing or cannot be
    read, the one before it stands in, and ``damage`` says so.

    Args:
        path: The folder.
        fps: Images a second of the video.
        template: Format of an image's name, with one field for its number.
        count: Images of the video; as many as there are if None.
        first: Number of the first image; 0 if there is an image 0, else 1, if None.
        limits: What the images may have; None is ``MediaLimits()``.

    Raises:
        FileNotFoundError: There is no such folder.
        MediaError: It has no such images, or more than allowed.
    """

    has_video = True
    has_audio = False

    def __init__(
        self,
        path: str | os.PathLike,
        fps: float,
        template: str = "img_{:05}.jpg",
        count: int | None = None,
        first: int | None = None,
        limits: MediaLimits | None = None,
    ) -> None:
        self.path, self.fps, self.template = os.fspath(path), fps, template
        self.limits = limits or MediaLimits()
        if not os.path.isdir(self.path):
            raise FileNotFoundError(f"folder of frames not found: {self.path}")
        self._numbers = image_numbers(self.path, template)
        if first is None:
            first = 0 if self._numbers[:1] == [0] else 1
        self.first = first
        self._numbers = [number for number in self._numbers if number >= first]
        if count is not None:
            self._numbers = [n for n in self._numbers if n < first + count]
        if not self._numbers:
            raise UnreadableMediaError(self.path, f"has no images named {template}")
        self.count = self._numbers[-1] - first + 1 if count is None else count
        self.limits.check(self.path, seconds=self.count / fps)
        self._damage: dict[str, None] = {}  # in order
        self._size: tuple[int, int] | None = None
        self.reopen = partial(type(self), path, fps, template, count, first, limits)

    @property
    def extent(self) -> tuple[float, float]:
        return 0.0, self.count / self.fps

    @property
    def info(self) -> MediaInfo:
        width, height = self.stored_size
        end = self.extent[1]
        return MediaInfo(
            self.path, True, False, width, height, fps=self.fps, video_end=end
        )

    @property
    def damage(self) -> tuple[str, ...]:
        return tuple(self._damage)

    @property
    def stored_size(self) -> tuple[int, int]:
        """Of the first image that can be read."""
        if self._size is None:
            self._size = self._image(0).shape[1::-1]
        return self._size

    def frames_at(
        self,
        times: Sequence[float],
        short_side: int | None = None,
        view: View | None = None,
    ) -> list[np.ndarray]:
        if view is None:
            view = View.whole(*self.stored_size, short_side)
        frames: dict[int, np.ndarray] = {}
        index = np.floor(np.asarray(times, np.float64) * self.fps + 1e-6).astype(int)
        index = np.clip(index, 0, self.count - 1).tolist()
        for one in index:
            if one not in frames:
                frames[one] = see_image(self._fitting(one), view)
        seen: set[int] = set()
        return [
            frames[one].copy() if one in seen else seen.add(one) or frames[one]
            for one in index
        ]

    def waveform(self, start: float, stop: float, sample_rate: int) -> np.ndarray:
        return np.zeros(round((stop - start) * sample_rate), np.float32)

    def close(self) -> None:
        pass

    def _fitting(self, index: int) -> np.ndarray:
        """The image at an index, scaled to the size of the first one."""
        image = self._image(index)
        if image.shape[1::-1] != self.stored_size:
            self._damage["its images are of several sizes"] = None
            image = scale(image, *self.stored_size)
        return image

    def _image(self, index: int) -> np.ndarray:
        """The image at an index, or else the nearest one, earlier ones first."""
        number = self.first + index
        at = bisect_right(self._numbers, number)
        if at == 0 or self._numbers[at - 1] != number:
            missing = self.count - len(self._numbers)
            self._damage[f"{missing} of its {self.count} images are missing"] = None
        for candidate in (*reversed(self._numbers[:at]), *self._numbers[at:]):
            path = os.path.join(self.path, self.template.format(candidate))
            try:
                return read_image(path, self.limits)
            except UnreadableMediaError as error:
                self._damage[f"{os.path.basename(path)} {error.reason}"] = None
        raise NoStreamError(self.path, "has no image that can be read")
