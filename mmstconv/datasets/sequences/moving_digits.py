"""Digits that move and bounce, drawn as Moving MNIST's are."""

from __future__ import annotations

import math
from functools import lru_cache

import cv2
import numpy as np

#: Of scikit-learn's 1797 digits, those before are for training, the others for testing.
FIRST_OF_TEST = 1437
#: Of the free range that a digit moves a frame.
STEP = 0.1


@lru_cache(maxsize=4)
def digit_images(part: str, size: int) -> np.ndarray:
    """scikit-learn's digits of a part, enlarged, uint8 ``(N, size, size)``.

    Args:
        part: ``'train'`` or ``'test'``.
        size: Pixels of a side; they are stored with 8.
    """
    from sklearn.datasets import load_digits

    images = load_digits().images / 16  # 0..1
    images = images[:FIRST_OF_TEST] if part == "train" else images[FIRST_OF_TEST:]
    large = [cv2.resize(x, (size, size), interpolation=cv2.INTER_CUBIC) for x in images]
    return np.rint(255 * np.clip(large, 0, 1)).astype(np.uint8)


def path_of_digit(rng: np.random.Generator, length: int, room: int) -> np.ndarray:
    """Corners of a digit frame by frame, int ``(length, 2)``, x then y, in 0..room.

    It starts anywhere and goes straight, a tenth of the free range a frame, in a random
    direction; where it meets an edge it is put onto it and bounces.
    """
    place = rng.random(2)
    angle = rng.random() * 2 * math.pi
    speed = STEP * np.array([math.cos(angle), math.sin(angle)])
    corners = []
    for _ in range(length):
        place = place + speed
        beyond = (place <= 0) | (place >= 1)
        speed = np.where(beyond, np.where(place <= 0, 1, -1) * np.abs(speed), speed)
        place = np.clip(place, 0, 1)
        corners.append(np.trunc(room * place))
    return np.array(corners, dtype=int)


def moving_digits(
    rng: np.random.Generator,
    images: np.ndarray,
    *,
    digits: int = 2,
    length: int = 20,
    size: int = 64,
) -> np.ndarray:
    """A sequence of digits on black; where they overlap, the brighter one is seen.

    Args:
        rng: Draws digits and paths.
        images: uint8 ``(N, side, side)``.
        digits: How many.
        length: Frames.
        size: Pixels of a side of a frame.

    Returns:
        uint8 ``(length, size, size)``.
    """
    side = images.shape[1]
    frames = np.zeros((length, size, size), np.uint8)
    for _ in range(digits):
        image = images[rng.integers(len(images))]
        for frame, (x, y) in zip(frames, path_of_digit(rng, length, size - side)):
            part = frame[y : y + side, x : x + side]
            np.maximum(part, image, out=part)
    return frames
