"""Turning frames upright as the container's display matrix says."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np
from av.filter import Graph

# Codecs of single pictures. These may say themselves how to show them, by EXIF.
PHOTOGRAPHS = {"mjpeg", "png", "apng", "tiff", "webp"}
ORIENTATION_TAG = 0x0112
MIRRORED = {2, 4, 5, 7}  # values of the tag


@dataclass(frozen=True)
class Orientation:
    """What makes a stored frame upright.

    Args:
        quarter_turns: Counter-clockwise turns by 90 degrees.
        mirror: Whether the frame is mirrored left to right before the turn.
    """

    quarter_turns: int = 0
    mirror: bool = False

    @property
    def swaps_sides(self) -> bool:
        return self.quarter_turns % 2 == 1

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Turns a stored image ``(H, W, C)`` upright; the result is contiguous."""
        if self.mirror:
            image = image[:, ::-1]
        return np.ascontiguousarray(np.rot90(image, self.quarter_turns))

    def undone(self, image: np.ndarray) -> np.ndarray:
        """Turns an upright image back to what is stored; the result is contiguous."""
        image = np.rot90(image, -self.quarter_turns)
        return np.ascontiguousarray(image[:, ::-1] if self.mirror else image)


def orientation_of(frame, mirror: bool) -> Orientation:
    """What makes a decoded frame upright.

    Angles other than multiples of 90 degrees are rounded to the nearest.

    Args:
        frame: As decoded. Its ``side_data`` is not read: PyAV fails on kinds that it
            does not know, such as colour profiles.
        mirror: Whether the container says that it is mirrored.
    """
    # The angle of a mirrored frame is that of its right edge.
    turns = round(frame.rotation / 90) + (2 if mirror else 0)
    return Orientation(turns % 4, mirror)


def says_mirrored(frame, otherwise: bool) -> bool:
    """Whether a photograph says that it is mirrored.

    PyAV does not tell. So a corner of the frame is encoded as PNG, since FFmpeg's
    encoder writes what the frame says into EXIF.

    Args:
        frame: As decoded.
        otherwise: The answer if the photograph says nothing.
    """
    graph = Graph()
    nodes = [
        graph.add_buffer(
            width=frame.width,
            height=frame.height,
            format=frame.format,
            time_base=Fraction(1),
        ),
        graph.add("crop", "min(iw\\,16):min(ih\\,16):0:0"),
        graph.add("format", "gray"),
        graph.add("buffersink"),
    ]
    graph.link_nodes(*nodes).configure()
    graph.push(frame)
    corner = graph.pull()
    encoder = av.CodecContext.create("png", "w")
    encoder.width, encoder.height = corner.width, corner.height
    encoder.pix_fmt, encoder.time_base = "gray", Fraction(1)
    content = b"".join(map(bytes, [*encoder.encode(corner), *encoder.encode(None)]))
    found = content.find(b"eXIf")
    value = _exif_orientation(content[found + 4 :]) if found >= 0 else None
    return otherwise if value is None else value in MIRRORED


def _exif_orientation(content: bytes) -> int | None:
    """The orientation (1 to 8) in TIFF's first directory; None if it has none."""
    order = {b"II": "<", b"MM": ">"}[content[:2]]
    (start,) = struct.unpack_from(order + "I", content, 4)
    (count,) = struct.unpack_from(order + "H", content, start)
    for place in range(start + 2, start + 2 + 12 * count, 12):
        tag, _, _, value = struct.unpack_from(order + "HHIH", content, place)
        if tag == ORIENTATION_TAG:
            return value
    return None
