"""Forecasts without a model, which a model has to beat."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from .arrays import as_unit

#: Weight of a pixel that stands still, where one that moves a pixel a frame has 1.
STILL = 0.01
#: What receives less than this of a pixel was uncovered.
COVERED = 0.05


def repeat_last_frame(seen: np.ndarray, count: int) -> np.ndarray:
    """The last frame seen, again and again.

    Args:
        seen: ``(C, T, H, W)``, uint8 or floats in 0..1.
        count: Frames to come.

    Returns:
        float32 ``(C, count, H, W)`` in 0..1.
    """
    last = as_unit(seen, "frames seen")[:, -1:]
    return np.repeat(last, count, axis=1).astype(np.float32)


def extrapolate_flow(seen: np.ndarray, count: int) -> np.ndarray:
    """The last frame seen, each pixel going on as it moved from the frame before.

    The motion is DIS flow from the last frame back to the one before it, turned round.
    Frame ``k`` to come has each pixel of the last frame ``k`` times its motion further
    (forward warping: its value is spread over the four pixels around the place where it
    arrives). Where several arrive, what moves counts more than what stands still: it is
    mostly in front. What nothing arrives at was uncovered, and is filled from the
    pixels around it that move least.

    Args:
        seen: ``(C, T, H, W)``, uint8 or floats in 0..1; T at least 2, C 1 or 3.
        count: Frames to come.

    Returns:
        float32 ``(C, count, H, W)`` in 0..1.

    Raises:
        ValueError: There is a single frame, or C is neither 1 nor 3.
    """
    unit = as_unit(seen, "frames seen").astype(np.float32)
    if unit.shape[1] < 2 or unit.shape[0] not in (1, 3):
        raise ValueError(
            "extrapolation by flow needs 2 frames of 1 or 3 channels, got (C, T, H, W) "
            f"= {unit.shape}"
        )
    last = np.ascontiguousarray(unit[:, -1].transpose(1, 2, 0))  # (H, W, C)
    motion = -_dis_flow(unit[:, -1], unit[:, -2])  # (H, W, 2)
    frames = [_moved(last, motion * k) for k in range(1, count + 1)]
    return np.clip(np.stack(frames).transpose(3, 0, 1, 2), 0, 1)


#: ``{name: function of seen frames and a count}``.
BASELINES: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {
    "last_frame": repeat_last_frame,
    "flow": extrapolate_flow,
}


def _dis_flow(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """DIS flow between two images ``(C, H, W)`` in 0..1: ``(H, W, 2)``, pixels."""
    grey = [_grey(image) for image in (first, second)]
    height, width = grey[0].shape
    # the coarsest scale of DIS has patches of 8 pixels
    short = max(16 - min(height, width), 0)
    if short:
        grey = [cv2.copyMakeBorder(g, 0, short, 0, short, cv2.BORDER_REPLICATE)
                for g in grey]  # fmt: skip
    solver = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    return solver.calc(*grey, None)[:height, :width]


def _grey(image: np.ndarray) -> np.ndarray:
    image = np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8).transpose(1, 2, 0)
    if image.shape[2] == 3:
        return cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2GRAY)
    return np.ascontiguousarray(image[..., 0])


def _moved(image: np.ndarray, motion: np.ndarray) -> np.ndarray:
    """An image ``(H, W, C)`` whose pixels went ``motion`` ``(H, W, 2)`` further."""
    height, width = image.shape[:2]
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    x, y = columns + motion[..., 0], rows + motion[..., 1]
    weight = STILL + np.hypot(motion[..., 0], motion[..., 1])
    left, top = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    arrived = np.zeros((height * width, image.shape[2] + 2))
    values = np.concatenate(
        [image * weight[..., None], weight[..., None], np.ones((height, width, 1))], 2
    )
    for right in (0, 1):
        for below in (0, 1):
            column, row = left + right, top + below
            share = (1 - np.abs(x - column)) * (1 - np.abs(y - row))
            inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
            place = (row * width + column)[inside]
            for k in range(arrived.shape[1]):
                arrived[:, k] += np.bincount(
                    place, (share * values[..., k])[inside], height * width
                )
    covered = (arrived[:, -1] > COVERED).reshape(height, width)
    total = np.maximum(arrived[:, -2:-1], 1e-12)
    moved = (arrived[:, :-2] / total).reshape(image.shape).astype(np.float32)
    if covered.all():
        return moved
    speed = (total / np.maximum(arrived[:, -1:], 1e-12)).reshape(height, width)
    return _filled(moved, covered, np.maximum(speed, STILL))


def _filled(image: np.ndarray, covered: np.ndarray, speed: np.ndarray) -> np.ndarray:
    """What was uncovered, as the mean of what is around it, near pixels first.

    Args:
        image: ``(H, W, C)``.
        covered: Where it is known, ``(H, W)``.
        speed: Of what has arrived at each pixel, ``(H, W)``, above 0.
    """
    still = (covered / speed).astype(np.float32)
    filled, missing = image.copy(), ~covered
    side = 3
    while missing.any():
        total = cv2.blur(still, (side, side))
        mean = cv2.blur(image * still[..., None], (side, side)).reshape(image.shape)
        now = missing & (total > 1e-6)
        filled[now] = mean[now] / total[now][:, None]
        missing &= ~now
        if side > 2 * max(covered.shape):  # nothing is known at all
            break
        side = 2 * side + 1
    return filled
