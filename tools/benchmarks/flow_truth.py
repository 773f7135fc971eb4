"""Images that move by a formula, so that their flow is known everywhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

SIZE = 112
WAVES = 60


def translations(
    pixels: Iterable[float],
) -> Iterator[tuple[np.ndarray, np.ndarray, tuple[float, float]]]:
    """Pairs of grey images, another texture and direction each, and their shift.

    A texture is a sum of cosine waves down to 6 pixels of length: what is between its
    pixels is known as well, and nothing is interpolated.
    """
    y, x = np.mgrid[0:SIZE, 0:SIZE].astype(float)
    for seed, distance in enumerate(pixels):
        rng = np.random.default_rng(seed)
        waves = rng.uniform(-0.16, 0.16, (WAVES, 2))
        heights = rng.uniform(0.2, 1, WAVES) / np.hypot(*waves.T).clip(0.02) ** 0.7
        heights *= 45 / np.sqrt((heights**2).sum() / 2)
        phases = rng.uniform(0, 2 * np.pi, WAVES)
        angle = rng.uniform(0, 2 * np.pi)
        shift = (distance * np.cos(angle), distance * np.sin(angle))
        images = []
        for dx, dy in ((0.0, 0.0), shift):
            turns = np.multiply.outer(waves[:, 0], x - dx)
            turns += np.multiply.outer(waves[:, 1], y - dy)
            cosines = np.cos(2 * np.pi * turns + phases[:, None, None])
            image = 120 + np.tensordot(heights, cosines, 1)
            images.append(np.rint(image.clip(0, 255)).astype(np.uint8))
        yield images[0], images[1], shift
