"""Panels of frames: what stands where, when."""

from __future__ import annotations

import cv2
import numpy as np

from mmstconv.visualization.frame_panels import (
    BAND,
    GAP,
    GREY,
    as_images,
    as_png,
    sheet_of,
    side_by_side,
)


def plain(values, channels=3, height=64, width=96):
    """Frames of one value each, ``(C, T, H, W)``."""
    values = np.array(values, np.uint8)[None, :, None, None]
    return np.broadcast_to(values, (channels, values.shape[1], height, width)).copy()


def values_of(row, width=96 * 3, panels=3):
    """The value in the middle of each panel."""
    middle = row[BAND + 90, :, 0]
    return [int(middle[k * (width + GAP) + width // 2]) for k in range(panels)]


def test_what_is_shown_when():
    seen, true = plain([10, 20]), plain([110, 120])
    predicted = plain([210, 220, 230]) / 255
    frames = list(side_by_side(seen, predicted, true, [0.1 * k for k in range(5)]))
    assert [values_of(one) for one in frames] == [
        [10, GREY, GREY],
        [20, GREY, GREY],
        [20, 210, 110],
        [20, 220, 120],
        [20, 230, GREY],  # the file has ended
    ]
    assert len({one.shape for one in frames}) == 1
    assert all(side % 2 == 0 for side in frames[0].shape[:2])


def test_odd_sizes_and_grey_frames():
    seen = plain([10, 20], channels=1, height=65, width=63)
    frames = list(side_by_side(seen, seen / 255, seen[:, :0], range(4)))
    assert all(side % 2 == 0 for one in frames for side in one.shape[:2])


def test_all_on_one_sheet():
    seen, predicted = plain([10, 20]), plain([210, 220, 230]) / 255
    side = dict(width=96 * 2, panels=3)
    sheet = sheet_of(seen, predicted, plain([110, 120]))
    rows = np.split(sheet, 3)
    assert [values_of(row, **side) for row in rows] == [
        [10, 20, 255],
        [210, 220, 230],
        [110, 120, 255],
    ]
    assert len(sheet_of(seen, predicted, seen[:, :0])) == len(sheet) * 2 // 3


def test_images_and_png():
    images = as_images(np.array([-0.5, 0.5, 1.5], np.float32).reshape(1, 3, 1, 1))
    assert images[:, 0, 0].tolist() == [[0] * 3, [128] * 3, [255] * 3]
    image = np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    read = cv2.imdecode(np.frombuffer(as_png(image), np.uint8), cv2.IMREAD_COLOR)
    assert np.array_equal(read[..., ::-1], image)
