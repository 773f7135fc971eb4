"""Key frames of a summary on one sheet."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence

import cv2
import numpy as np

from ...disk import own_file
from ...media.remote import open_at
from ...visualization.frame_panels import as_png

SIDE = 144  # pixels of the shorter side of a key frame
BAND = 18  # pixels below it, for the time
MOST = 60  # key frames on a sheet; of more, evenly chosen ones


def write_contact_sheet(
    source: str | os.PathLike, target: str | os.PathLike, times: Sequence[float]
) -> None:
    """Writes the frames shown at some times as a PNG, each with its time.

    Raises:
        MediaError: The film cannot be read or has no pictures.
        ForeignFile: There is a target that was not written here.
    """
    times = sorted(set(times))
    if len(times) > MOST:
        times = [times[k * len(times) // MOST] for k in range(MOST)]
    with open_at(os.fspath(source)) as media:
        frames = list(media.frames_in_order(times, short_side=SIDE))
    height, width = frames[0].shape[:2]
    columns = math.ceil(math.sqrt(len(frames)))
    rows = math.ceil(len(frames) / columns)
    sheet = np.full((rows * (height + BAND), columns * width, 3), 255, np.uint8)
    for index, (frame, time) in enumerate(zip(frames, times)):
        top = index // columns * (height + BAND)
        left = index % columns * width
        sheet[top : top + height, left : left + width] = frame
        place = left + 3, top + height + BAND - 5
        cv2.putText(sheet, stamp(time), place, cv2.FONT_HERSHEY_PLAIN, 0.9, (0, 0, 0))
    with own_file(target) as part:
        part.write_bytes(as_png(sheet))


def stamp(seconds: float) -> str:
    """``h:mm:ss.t``."""
    tenths = round(seconds * 10)
    minutes, tenths = divmod(tenths, 600)
    return f"{minutes // 60}:{minutes % 60:02}:{tenths // 10:02}.{tenths % 10}"
