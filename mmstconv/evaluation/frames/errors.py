"""Squared and absolute errors of frames, and the signal to noise ratio.

OpenSTL's tables (https://arxiv.org/abs/2306.11249) print errors that are **summed**
over channels, rows and columns, of frames in 0..1 before they are clipped, and then
averaged over films and frames: an error of 24.6 there is .0060 a pixel of a 64 x 64
frame. Others print the mean over pixels. Both are here, under names that say which.
"""

from __future__ import annotations

import numpy as np

from .arrays import as_pair

PIXELS = (0, 2, 3)  # of (C, T, H, W)


def summed_squared_error(predicted: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Sum over C, H, W of squared differences, before clipping: ``(T,)``."""
    predicted, true = as_pair(predicted, true)
    return np.square(predicted - true).sum(PIXELS)


def summed_absolute_error(predicted: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Sum over C, H, W of absolute differences, before clipping: ``(T,)``."""
    predicted, true = as_pair(predicted, true)
    return np.abs(predicted - true).sum(PIXELS)


def mean_squared_error(predicted: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Mean over C, H, W of squared differences, before clipping: ``(T,)``."""
    predicted, true = as_pair(predicted, true)
    return np.square(predicted - true).mean(PIXELS)


def mean_absolute_error(predicted: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Mean over C, H, W of absolute differences, before clipping: ``(T,)``."""
    predicted, true = as_pair(predicted, true)
    return np.abs(predicted - true).mean(PIXELS)


def peak_signal_to_noise(predicted: np.ndarray, true: np.ndarray) -> np.ndarray:
    """``-10 log10`` of the mean squared error, in dB: ``(T,)``.

    The data range is 1; predictions are clipped to it first. Infinite where a frame is
    met exactly.
    """
    predicted, true = as_pair(predicted, true, clip=True)
    with np.errstate(divide="ignore"):
        return -10 * np.log10(np.square(predicted - true).mean(PIXELS))
