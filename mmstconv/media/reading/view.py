"""A part of a frame, scaled: cropped first, converted to RGB last.

A training clip shows a part of every frame, at a fraction of its size. So the planes of
a decoded frame are cropped and scaled, and only what is left is converted to RGB.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

# By how many halvings chroma planes are smaller than luma, in width and height. Frames
# of other formats are converted to RGB whole.
PLANAR = {
    "yuv420p": (1, 1),
    "yuvj420p": (1, 1),
    "yuv422p": (1, 0),
    "yuvj422p": (1, 0),
    "yuv444p": (0, 0),
    "yuvj444p": (0, 0),
}
# ISO/IEC 23091-2: what red and blue weigh in luma, by FFmpeg's number of the matrix.
LUMA_WEIGHTS = {
    1: (0.2126, 0.0722),
    4: (0.30, 0.11),
    7: (0.212, 0.087),
    9: (0.2627, 0.0593),
    10: (0.2627, 0.0593),
}
BT601 = (0.299, 0.114)
FULL_RANGE = 2


@dataclass(frozen=True)
class View:
    """What to see of a frame.

    Args:
        width: Of the upright result, in pixels.
        height: Of the upright result, in pixels.
        box: Left, top, right and bottom of the part, as shares (0 to 1) of the frame as
            it is stored, that is, before it is turned upright. It is rounded, by less
            than one pixel of the result, so that the part can be halved exactly.
    """

    width: int
    height: int
    box: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1:
            raise ValueError(
                f"a view must have a size, got {self.width} x {self.height}"
            )
        left, top, right, bottom = self.box
        if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
            raise ValueError(f"box must lie within the frame (0 to 1), got {self.box}")

    @classmethod
    def whole(cls, width: int, height: int, short_side: int | None = None) -> View:
        """The view of a whole upright frame.

        Args:
            width: Of the frame.
            height: Of the frame.
            short_side: Pixels that the shorter side is scaled to, with the aspect kept.
                None leaves the frame at its size.
        """
        if short_side is None:
            return cls(width, height)
        if short_side < 1:
            raise ValueError(f"short_side must be positive, got {short_side}")
        scale = short_side / min(width, height)
        return cls(int(width * scale + 0.5), int(height * scale + 0.5))

    def is_whole(self, width: int, height: int) -> bool:
        """Whether a frame of this size is seen whole and is not scaled."""
        return (self.width, self.height) == (width, height) and self.box == (0, 0, 1, 1)

    def turned(self) -> View:
        """The same part, with width and height exchanged for a quarter turn."""
        return View(self.height, self.width, self.box)

    def pixels(self, width: int, height: int) -> tuple[slice, slice]:
        """Rows and columns of the part, in a stored frame of this size."""
        left, top, right, bottom = self.box
        columns = _span(left, right, width, self.width)
        return _span(top, bottom, height, self.height), columns


def _span(begin: float, end: float, length: int, target: int) -> slice:
    """The pixels between two shares of a length, as many as can be halved exactly."""
    if begin == 0 and end == 1:
        return slice(0, length)
    unit = 1 << _halvings((end - begin) * length, target)
    first = min(round(begin * length / unit) * unit, length - unit)
    last = min(max(round(end * length / unit) * unit, first + unit), length)
    return slice(first, last)


def _halvings(length: float, target: int) -> int:
    """How often a length can be halved and still be at least the target."""
    count = 0
    while length >= 2 * target:
        length, count = length / 2, count + 1
    return count


def scale(plane: np.ndarray, width: int, height: int) -> np.ndarray:
    """Scales by halving as often as that fits, then bilinearly.

    Halving takes the mean of 2 x 2 pixels. Bilinear scaling alone would look at four
    pixels only, however many become one.

    Args:
        plane: ``(H, W)`` or ``(H, W, C)`` uint8.
        width: Of the result.
        height: Of the result.
    """
    rows, columns = plane.shape[:2]
    while columns >= 2 * width or rows >= 2 * height:
        columns = columns // 2 if columns >= 2 * width else columns
        rows = rows // 2 if rows >= 2 * height else rows
        plane = cv2.resize(plane, (columns, rows), interpolation=cv2.INTER_AREA)
    if (columns, rows) == (width, height):
        return plane
    return cv2.resize(plane, (width, height), interpolation=cv2.INTER_LINEAR)


def see_image(image: np.ndarray, view: View) -> np.ndarray:
    """The part of an RGB image ``(H, W, 3)``, as ``(height, width, 3)``.

    Returns the image itself if the view is the whole image at its size.
    """
    if view.is_whole(image.shape[1], image.shape[0]):
        return image
    rows, columns = view.pixels(image.shape[1], image.shape[0])
    return scale(image[rows, columns], view.width, view.height)


def see_frame(frame, view: View) -> np.ndarray | None:
    """The part of a decoded frame as RGB ``(height, width, 3)``, not turned.

    The frame's colour matrix and range are used; BT.601 and limited if it states none.

    Returns:
        None if the frame does not consist of planes of 8 bits.
    """
    shifts = PLANAR.get(frame.format.name)
    planes = frame.planes
    if shifts is None or any(plane.line_size < plane.width for plane in planes):
        return None
    rows, columns = view.pixels(frame.width, frame.height)
    parts = []
    for plane, (x, y) in zip(planes, ((0, 0), shifts, shifts)):
        stored = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
        part = stored[
            rows.start >> y : -(-rows.stop >> y),
            columns.start >> x : -(-columns.stop >> x),
        ]
        parts.append(scale(part, view.width, view.height))
    full = int(frame.color_range) == FULL_RANGE or "j" in frame.format.name
    matrix = rgb_matrix(int(frame.colorspace), full)
    return cv2.transform(cv2.merge(parts), matrix)


@lru_cache(maxsize=16)
def rgb_matrix(colorspace: int, full_range: bool) -> np.ndarray:
    """The matrix from luma and chroma of 8 bits to RGB.

    Args:
        colorspace: FFmpeg's number of the matrix.
        full_range: Whether luma goes from 0 to 255 instead of 16 to 235.

    Returns:
        float32 ``(3, 4)``; the last column is what is added after multiplying.
    """
    red, blue = LUMA_WEIGHTS.get(colorspace, BT601)
    green = 1 - red - blue
    luma, chroma, black = (1, 1, 0) if full_range else (255 / 219, 255 / 224, 16)
    matrix = np.array(
        [
            [luma, 0, 2 * (1 - red) * chroma],
            [
                luma,
                -2 * blue * (1 - blue) / green * chroma,
                -2 * red * (1 - red) / green * chroma,
            ],
            [luma, 2 * (1 - blue) * chroma, 0],
        ]
    )
    offset = -matrix @ [black, 128, 128]
    return np.column_stack([matrix, offset]).astype(np.float32)
