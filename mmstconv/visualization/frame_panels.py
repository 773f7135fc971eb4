"""Frames seen, forecast and true, side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np

BAND = 20  # pixels above a panel, for its name
GAP = 4  # pixels between panels
SIDE = 192  # that the shorter side of a panel has at least
SHEET_SIDE = 96  # the same on a sheet
GREY, BLACK, WHITE = 96, 0, 255
NAMES = ("seen", "predicted", "true")


def as_images(frames: np.ndarray) -> np.ndarray:
    """``(C, T, H, W)``, uint8 or floats in 0..1, to uint8 RGB ``(T, H, W, 3)``."""
    if frames.dtype != np.uint8:
        frames = np.rint(np.clip(frames, 0, 1) * 255).astype(np.uint8)
    images = frames.transpose(1, 2, 3, 0)
    return np.ascontiguousarray(np.broadcast_to(images, (*images.shape[:3], 3)))


def side_by_side(
    seen: np.ndarray, predicted: np.ndarray, true: np.ndarray, times: Sequence[float]
) -> Iterator[np.ndarray]:
    """Frames of a video: first what was seen, then what was forecast beside the truth.

    The left panel shows the frames seen and stays at the last one. A panel is grey
    before its first frame and, where there is no true frame, after its last one.

    Args:
        seen: ``(C, S, H, W)``.
        predicted: ``(C, F, H, W)``.
        true: ``(C, M, H, W)``, M at most F.
        times: Of all S + F frames, seconds.

    Yields:
        S + F uint8 RGB images of even sides.
    """
    panels = [_enlarged(as_images(one), SIDE) for one in (seen, predicted, true)]
    height, width = panels[0].shape[1:3]
    empty = np.full((height, width, 3), GREY, np.uint8)
    first = len(panels[0])
    for k, time in enumerate(times):
        future = k - first
        shown = [panels[0][min(k, first - 1)]]
        for panel in panels[1:]:
            shown.append(panel[future] if 0 <= future < len(panel) else empty)
        notes = [f"{NAMES[0]}  {times[min(k, first - 1)]:.2f} s", *NAMES[1:]]
        if future >= 0:
            notes[1] += f"  {time:.2f} s"
        if future >= len(panels[2]):
            notes[2] = "true: the file has ended"
        yield _even(_row(shown, notes))


def sheet_of(seen: np.ndarray, predicted: np.ndarray, true: np.ndarray) -> np.ndarray:
    """All frames on one picture: a row of those seen, forecast and true, uint8 RGB."""
    rows = [
        (name, _enlarged(as_images(one), SHEET_SIDE))
        for name, one in zip(NAMES, (seen, predicted, true))
        if one.shape[1]
    ]
    columns = max(len(images) for _, images in rows)
    height, width = rows[0][1].shape[1:3]
    empty = np.full((height, width, 3), WHITE, np.uint8)
    return np.concatenate(
        [
            _row([*images, *[empty] * (columns - len(images))], [name])
            for name, images in rows
        ]
    )


def as_png(image: np.ndarray) -> bytes:
    """An RGB image as a PNG file.

    Raises:
        OSError: It cannot be encoded.
    """
    done, content = cv2.imencode(".png", np.ascontiguousarray(image[..., ::-1]))
    if not done:
        raise OSError(f"an image of {image.shape} cannot be encoded as PNG")
    return content.tobytes()


def _enlarged(images: np.ndarray, side: int) -> np.ndarray:
    """Each pixel several times, until the shorter side is long enough."""
    times = max(-(-side // min(images.shape[1:3])), 1)
    return images.repeat(times, axis=1).repeat(times, axis=2)


def _row(images: Sequence[np.ndarray], notes: Sequence[str]) -> np.ndarray:
    """Images beside each other, each with its note above it."""
    height, width = images[0].shape[:2]
    row = np.full(
        (height + BAND, len(images) * (width + GAP) - GAP, 3), WHITE, np.uint8
    )
    for k, image in enumerate(images):
        row[BAND:, k * (width + GAP) : k * (width + GAP) + width] = image
    for k, note in enumerate(notes):
        place = k * (width + GAP) + 3, BAND - 6
        cv2.putText(row, note, place, cv2.FONT_HERSHEY_PLAIN, 0.9, (BLACK,) * 3)
    return row


def _even(image: np.ndarray) -> np.ndarray:
    """White at the right and below where a side is odd: encoders want even ones."""
    height, width = image.shape[:2]
    padding = ((0, height % 2), (0, width % 2), (0, 0))
    return np.pad(image, padding, constant_values=WHITE)
