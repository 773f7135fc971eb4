"""RandAugment of clips: the same geometry and colours in all frames of a clip."""

from __future__ import annotations

import math

import cv2
import numpy as np
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from .checks import positive_int, positive_number
from .roles import AT_RANDOM
from .stock import clips_of_frames, mean_colour


@TRANSFORMS.register_module()
class ClipRandAugment(BaseTransform):
    """A few random changes of geometry and colour, drawn once for each clip.

    `RandAugment <https://arxiv.org/abs/1909.13719>`_ with the operations that keep
    time and motion whole: rotation, shear, translation, scale, brightness, contrast,
    saturation and sharpness. As in `TrivialAugment <https://arxiv.org/abs/2103.10158>`_
    the strength of each is drawn uniformly, here up to ``magnitude``, to either side.

    All frames of a clip are treated alike, so flow that is computed from them
    afterwards (``ComputeFlow``, ``TriModalDataPreprocessor``) is that of the frames
    that the RGB stream sees. Extracted flow images cannot follow: neither before nor
    after ``LoadFlowImages``.

    What geometry moves in from outside is the frame mirrored at its border, which moves
    with it. All geometry of a clip is one affine map, interpolated once. Contrast
    turns about the mean of the clip, so that frames do not flicker.

    Required Keys:

        - imgs: of any number of clips, RGB ``(H, W, 3)`` or grey
        - clip_len

    Modified Keys:

        - imgs

    Added Keys:

        - warped: True

    Args:
        num_ops: Operations a clip.
        magnitude: Strength, 0 to 10. At 10: 30 degrees; shears, translations and
            scales of 0.3; colours from a tenth to 1.9 times.

    Raises:
        ValueError: An argument is outside its range, or there are flow images.
    """

    role = AT_RANDOM

    def __init__(self, num_ops: int = 2, magnitude: float = 7) -> None:
        self.num_ops = positive_int("num_ops", num_ops)
        self.magnitude = positive_number("magnitude", magnitude)
        if magnitude > 10:
            raise ValueError(f"magnitude must not exceed 10, got {magnitude}")

    def transform(self, results: dict) -> dict:
        clips = clips_of_frames(results, self)
        results["imgs"] = [frame for clip in clips for frame in self._augmented(clip)]
        results["warped"] = True
        return results

    def _augmented(self, clip: list[np.ndarray]) -> list[np.ndarray]:
        """One clip by one draw; the frames given stay as they are."""
        height, width = clip[0].shape[:2]
        names = np.random.choice([*MOVES, *COLOURS], self.num_ops)
        drawn = np.random.uniform(-1, 1, self.num_ops) * self.magnitude / 10
        matrix = np.eye(3)
        for name, strength in zip(names, drawn):
            if name in MOVES:
                matrix = MOVES[name](strength, width, height) @ matrix
        frames = [np.ascontiguousarray(frame) for frame in clip]
        if np.any(matrix != np.eye(3)):
            frames = warp(frames, matrix)
        for name, strength in zip(names, drawn):
            if name in COLOURS:
                frames = COLOURS[name](frames, 1 + 0.9 * strength)
        return [new.reshape(old.shape) for new, old in zip(frames, clip)]

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(num_ops={self.num_ops}, magnitude={self.magnitude})"
        )


def warp(frames: list[np.ndarray], matrix: np.ndarray) -> list[np.ndarray]:
    """Frames under an affine map of pixels ``(x, y, 1)`` about their centre."""
    height, width = frames[0].shape[:2]
    centre = np.array([[1, 0, (width - 1) / 2], [0, 1, (height - 1) / 2], [0, 0, 1]])
    matrix = (centre @ matrix @ np.linalg.inv(centre))[:2]
    mirrored = cv2.BORDER_REFLECT_101
    return [
        cv2.warpAffine(frame, matrix, (width, height), borderMode=mirrored)
        for frame in frames
    ]


def affine(
    a: float = 1, b: float = 0, x: float = 0, c: float = 0, d: float = 1, y: float = 0
) -> np.ndarray:
    """The map ``(a u + b v + x, c u + d v + y)``."""
    return np.array([[a, b, x], [c, d, y], [0, 0, 1]], np.float64)


def rotation(strength: float, width: int, height: int) -> np.ndarray:
    sin, cos = math.sin(strength * math.pi / 6), math.cos(strength * math.pi / 6)
    return affine(a=cos, b=-sin, c=sin, d=cos)


# Strength -1 to 1, width, height -> (3, 3).
MOVES = dict(
    rotate=rotation,
    shear_x=lambda s, width, height: affine(b=0.3 * s),
    shear_y=lambda s, width, height: affine(c=0.3 * s),
    translate_x=lambda s, width, height: affine(x=0.3 * s * width),
    translate_y=lambda s, width, height: affine(y=0.3 * s * height),
    scale=lambda s, width, height: affine(a=1 + 0.3 * s, d=1 + 0.3 * s),
)


def brightness(frames: list[np.ndarray], factor: float) -> list[np.ndarray]:
    return [cv2.addWeighted(frame, factor, frame, 0, 0) for frame in frames]


def contrast(frames: list[np.ndarray], factor: float) -> list[np.ndarray]:
    away = (1 - factor) * mean_colour(frames).mean()
    return [cv2.addWeighted(frame, factor, frame, 0, away) for frame in frames]


def saturation(frames: list[np.ndarray], factor: float) -> list[np.ndarray]:
    if frames[0].ndim == 2 or frames[0].shape[2] == 1:
        return frames
    mixed = []
    for frame in frames:
        grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
        grey = cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB)
        mixed.append(cv2.addWeighted(frame, factor, grey, 1 - factor, 0))
    return mixed


def sharpness(frames: list[np.ndarray], factor: float) -> list[np.ndarray]:
    smooth = [cv2.GaussianBlur(frame, (5, 5), 0) for frame in frames]
    return [
        cv2.addWeighted(frame.reshape(blurred.shape), factor, blurred, 1 - factor, 0)
        for frame, blurred in zip(frames, smooth)
    ]


# Frames of a clip, factor from which 1 changes nothing -> frames.
COLOURS = dict(
    brightness=brightness,
    contrast=contrast,
    saturation=saturation,
    sharpness=sharpness,
)
