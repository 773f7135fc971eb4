"""Turning frames upright as the container's display matrix says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

UNIT = 1 << 16


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
        """``(H, W, C)`` as stored to upright, contiguous."""
        if self.mirror:
            image = image[:, ::-1]
        return np.ascontiguousarray(np.rot90(image, self.quarter_turns))

    def undone(self, image: np.ndarray) -> np.ndarray:
        """``(H, W, C)`` upright to as stored, contiguous."""
        image = np.rot90(image, -self.quarter_turns)
        return np.ascontiguousarray(image[:, ::-1] if self.mirror else image)


def orientation_of(frame) -> Orientation:
    """Reads the display matrix that FFmpeg attached to a decoded frame.

    Angles other than multiples of 90 degrees are rounded to the nearest.
    """
    data = frame.side_data.get("DISPLAYMATRIX")
    if data is None:
        return Orientation()
    matrix = np.frombuffer(data, np.int32)
    # A stored point (x, y) is shown at (a x + c y, b x + d y), y downwards.
    a, b, c, d = (matrix[[0, 1, 3, 4]] / UNIT).tolist()
    mirror = a * d - b * c < 0
    if mirror:
        a, b = -a, -b
    # The x axis turns towards (a, b); y points down, so counter-clockwise is -b.
    turns = round(np.arctan2(-b, a) / (np.pi / 2)) % 4 if (a or b) else 0
    return Orientation(int(turns), mirror)
