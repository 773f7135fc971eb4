"""The pictures of a clip of the demo data set."""

from __future__ import annotations

import importlib.util
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from demo_spec import Spec

# The largest chroma, 34, moves a channel by 1.772 * 34 = 60.2 at most: luma in this
# range stays inside the gamut for both colours, so none is clipped more than the other.
LUMA_RANGE = (63.0, 192.0)
TO_RGB = np.array([[1, 0, 1.402], [1, -0.344136, -0.714136], [1, 1.772, 0]], np.float32)

#: How far a place is outside of each shape, in its unit square; negative inside.
DISTANCES = {
    "disc": lambda u, v: np.hypot(u, v) - 1,
    "ring": lambda u, v: np.abs(np.hypot(u, v) - 0.7) - 0.3,
    "square": lambda u, v: np.maximum(np.abs(u), np.abs(v)) - 0.85,
    "bar": lambda u, v: np.maximum(np.abs(u), 1.8 * np.abs(v)) - 1,
    "cross": lambda u, v: np.maximum(
        np.minimum(np.abs(u), np.abs(v)) - 0.4, np.maximum(np.abs(u), np.abs(v)) - 1
    ),
}


def render_frames(spec: Spec, rng: np.random.Generator) -> np.ndarray:
    """Draws the clip's pictures.

    Returns:
        RGB, uint8, ``(num_frames, height, width, 3)``.
    """
    seconds = np.arange(spec.num_frames) / spec.fps
    return render_frames_along(spec, (-1, 1)[spec.motion] * spec.speed * seconds, rng)


def render_frames_along(
    spec: Spec, travelled: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Draws the object on any way up and down.

    Args:
        spec: Of the pictures; its motion, speed and number of frames are not used.
        travelled: Pixels that the object is below its first place, one a frame.
        rng: Of textures and noise.

    Returns:
        RGB, uint8, ``(frames, height, width, 3)``.
    """
    thing, columns = _draw_object(spec, rng)
    background = _draw_background(spec, rng)
    frames = np.empty((len(travelled), spec.height, spec.width, 3), np.uint8)
    for frame, way in zip(frames, travelled):
        moved = _roll_rows(thing, spec.y - spec.height // 2 + way)
        image = background.copy()
        image[:, columns] *= 1 - moved[..., 3:]
        image[:, columns] += moved[..., :3]
        luma = image[..., 0]
        luma += spec.grain * rng.standard_normal(luma.shape, np.float32)
        np.clip(luma, *LUMA_RANGE, out=luma)
        frame[:] = cv2.transform(image, TO_RGB) + 0.5
    return frames


def _draw_object(spec: Spec, rng: np.random.Generator) -> tuple[np.ndarray, slice]:
    """The object at half height, and the columns it takes.

    Returns:
        Luma, chroma (two), each times opacity, and opacity, ``(H, columns, 4)``.
    """
    rows, columns = np.mgrid[: spec.height, : spec.width]
    dy, dx = (rows - spec.height // 2) / spec.radius, (columns - spec.x) / spec.radius
    u = np.cos(spec.angle) * dx + np.sin(spec.angle) * dy
    v = np.cos(spec.angle) * dy - np.sin(spec.angle) * dx
    # Corners may lie outside the unit disc: shrink what is drawn into it.
    distance = DISTANCES[spec.shape](1.2 * u, 1.2 * v) * spec.radius
    alpha = np.clip(0.5 - distance, 0, 1)
    luma = spec.luma + spec.texture * _smooth_noise(rng, spec, spec.radius / 2.5)
    red = np.full_like(luma, spec.chroma * (1, -1)[spec.colour])  # warm: red, not blue
    thing = np.dstack([luma * alpha, -red * alpha, red * alpha, alpha])
    first, *_, last = np.flatnonzero(alpha.any(axis=0))
    columns = slice(first, last + 1)
    return thing[:, columns].astype(np.float32), columns


def _draw_background(spec: Spec, rng: np.random.Generator) -> np.ndarray:
    """Luma and the two chroma components, ``(H, W, 3)``."""
    background = np.zeros((spec.height, spec.width, 3), np.float32)
    if spec.background == "noise":
        background[..., 0] = _smooth_noise(rng, spec, rng.uniform(2, 8))
    elif spec.background == "photo":
        background[:] = _crop_photo(spec, rng)
    background *= np.float32([spec.background_contrast, 10, 10])
    background[..., 0] += spec.background_luma
    return background


def _smooth_noise(rng: np.random.Generator, spec: Spec, cell: float) -> np.ndarray:
    """``(H, W)`` with mean 0 and about 95 % of it in [-1, 1]; ``cell`` pixels wide."""
    grid = [int(np.ceil(side / cell)) + 1 for side in (spec.height, spec.width)]
    noise = rng.standard_normal(grid).clip(-2, 2).astype(np.float32)
    noise = cv2.resize(noise, (spec.width, spec.height), interpolation=cv2.INTER_LINEAR)
    return noise / 2 / max(float(noise.std()), 0.1)


@lru_cache(maxsize=1)
def _load_photos() -> list[np.ndarray]:
    """scikit-learn's photographs in YCbCr, each component scaled to about [-1, 1]."""
    # `load_sample_images` would do, after two seconds of imports in every process.
    package = Path(importlib.util.find_spec("sklearn").origin).parent
    paths = sorted(package.glob("datasets/images/*.jpg"))
    if not paths:
        raise FileNotFoundError(f"no photographs in '{package}/datasets/images'")
    photos = [cv2.imread(str(path))[..., ::-1] / 127.5 - 1 for path in paths]
    return [(photo @ np.linalg.inv(TO_RGB).T).astype(np.float32) for photo in photos]


def _crop_photo(spec: Spec, rng: np.random.Generator) -> np.ndarray:
    photos = _load_photos()
    photo = photos[rng.integers(len(photos))]
    scale = rng.uniform(1, photo.shape[0] / spec.height)  # they are wider than high
    height, width = int(scale * spec.height), int(scale * spec.width)
    top = rng.integers(photo.shape[0] - height + 1)
    left = rng.integers(photo.shape[1] - width + 1)
    crop = photo[top : top + height, left : left + width]
    # Either sign of its chroma is as likely: the photographs favour no colour.
    crop = crop * np.float32([1, *[rng.choice([-1, 1])] * 2])
    return cv2.resize(crop, (spec.width, spec.height), interpolation=cv2.INTER_AREA)


def _roll_rows(image: np.ndarray, shift: float) -> np.ndarray:
    """Moves an image down by a real number of pixels; what leaves comes in on top."""
    whole = int(np.floor(shift))
    part = np.float32(shift - whole)
    near, far = np.roll(image, whole, axis=0), np.roll(image, whole + 1, axis=0)
    return (1 - part) * near + part * far
