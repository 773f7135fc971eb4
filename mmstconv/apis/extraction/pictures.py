"""Images of frames, and of the flow from each to the next."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from ...datasets.transforms.flow import METHODS, quantize, single_threaded
from ...datasets.transforms.flow_images import NEUTRAL
from ...media import MediaReader
from .form import ExtractedForm

FRAME, FLOW = "img_{:05}.jpg", "flow_{}_{:05}.jpg"
LEVELS = 255  # from -bound to bound


def write_images(media: MediaReader, folder: Path, form: ExtractedForm) -> int:
    """Writes ``img_00001.jpg``, ``flow_x_00001.jpg`` and ``flow_y_00001.jpg`` on.

    Image k, from 1, is the frame shown ``(k - 1) / fps`` after the first one; flow k
    leads from it to the next, so there is one less. Two frames are in memory at once.

    Args:
        media: The open video.
        folder: Where to; it is there.
        form: What to write.

    Returns:
        The number of frames.

    Raises:
        OSError: An image cannot be written.
        MediaError: A frame cannot be read.
    """
    start, end = media.extent
    count = max(round((end - start) * form.fps), 1)
    times = start + np.arange(count) / form.fps
    solver, before = METHODS[form.method](), None
    with single_threaded():
        frames = media.frames_in_order(times, short_side=form.short_side)
        for number, frame in enumerate(frames, 1):
            if "frames" in form.kinds:
                _write(folder / FRAME.format(number), frame[..., ::-1])
            if "flow" in form.kinds:
                grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
                if before is not None:
                    flow = as_levels(solver(before, grey), form.bound)
                    for axis, plane in zip("xy", flow, strict=True):
                        _write(folder / FLOW.format(axis, number - 1), plane)
                before = grey
    return count


def as_levels(flow: np.ndarray, bound: float) -> np.ndarray:
    """Flow as the gray levels of images, of which 128 is no motion.

    Args:
        flow: Pixels, ``(H, W, 2)``.
        bound: Flow that the extremes stand for.

    Returns:
        uint8 ``(2, H, W)``, x and y.
    """
    levels = quantize(np.asarray(flow, np.float32), bound) * (LEVELS / (2 * bound))
    planes = np.rint(levels + NEUTRAL).astype(np.uint8)
    return np.ascontiguousarray(planes.transpose(2, 0, 1))


def _write(path: Path, image: np.ndarray) -> None:
    # OpenCV's own writing takes no name that is not text, and says not why it fails
    _, coded = cv2.imencode(path.suffix, image)
    path.write_bytes(coded)
