"""Frames as plain arrays of one range."""

from __future__ import annotations

import numpy as np


def as_unit(frames: np.ndarray, what: str = "frames") -> np.ndarray:
    """Frames as float64, 0 black and 1 white; what lies beyond stays beyond.

    Args:
        frames: ``(C, T, H, W)``; uint8 in 0..255, or floats.
        what: They are; an error says it.

    Raises:
        ValueError: They are of another shape or type, or not all finite.
    """
    frames = np.asarray(frames)
    if frames.ndim != 4 or 0 in frames.shape:
        raise ValueError(f"{what} must be (C, T, H, W), got shape {frames.shape}")
    if frames.dtype == np.uint8:
        return frames / 255.0
    if frames.dtype.kind != "f":
        raise ValueError(f"{what} must be uint8 or floats in 0..1, got {frames.dtype}")
    unit = frames.astype(np.float64)
    if not np.isfinite(unit).all():
        raise ValueError(f"{what} have values that are not finite")
    return unit


def as_pair(
    predicted: np.ndarray, true: np.ndarray, *, clip: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Both as :func:`as_unit` has them, of one shape.

    Args:
        predicted: ``(C, T, H, W)``.
        true: The same shape.
        clip: Whether to cut off what is predicted beyond black and white.

    Raises:
        ValueError: As of :func:`as_unit`; or their shapes differ.
    """
    predicted, true = as_unit(predicted, "predicted frames"), as_unit(true, "true ones")
    if predicted.shape != true.shape:
        raise ValueError(
            f"predicted frames are {predicted.shape}, true ones {true.shape}: "
            "(C, T, H, W) must be the same"
        )
    return (np.clip(predicted, 0, 1) if clip else predicted), true
