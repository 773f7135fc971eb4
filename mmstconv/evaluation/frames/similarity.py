"""Structural similarity of frames, with its window and its data range by name.

One pair of frames has as many values as there are settings of it: a window of 7 x 7
equal weights or a Gaussian one of 11 x 11, a data range of 1, 2 or 255. So a setting
here is an object with a name, and the data range is 1.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.ndimage import gaussian_filter, uniform_filter

from .arrays import as_pair

#: Constants of Wang et al. 2004, eq. 13; of a data range of 1.
C1, C2 = 0.01**2, 0.03**2


class SSIMWindow(NamedTuple):
    """How means and variances around a pixel are weighted.

    Args:
        name: As reports print it.
        side: Of the window in pixels, odd.
        sigma: Of the Gaussian; None: all weights are equal.
        unbiased: Whether (co)variances are divided by one less than the count.
    """

    name: str
    side: int
    sigma: float | None
    unbiased: bool

    def mean(self) -> Callable[[np.ndarray], np.ndarray]:
        """Gives the weighted mean around each pixel of ``(H, W)``."""
        if self.sigma is None:
            return lambda image: uniform_filter(image, self.side)
        reach = (self.side // 2 + 0.01) / self.sigma  # its radius, in sigmas
        return lambda image: gaussian_filter(image, self.sigma, truncate=reach)


#: scikit-image's default.
UNIFORM_7 = SSIMWindow("uniform7", 7, None, True)
#: That of Wang et al. 2004: scikit-image's with ``gaussian_weights=True, sigma=1.5,
#: use_sample_covariance=False``.
GAUSSIAN_11 = SSIMWindow("gauss11", 11, 1.5, False)


def structural_similarity(
    predicted: np.ndarray, true: np.ndarray, window: SSIMWindow = UNIFORM_7
) -> np.ndarray:
    """Mean structural similarity of each frame, in -1..1: ``(T,)``.

    The index of `Wang et al. 2004 <https://doi.org/10.1109/TIP.2003.819861>`_, eq. 13,
    of each channel, averaged over channels and over the pixels whose window lies in the
    frame. The data range is 1; predictions are clipped to it first. It is what
    ``skimage.metrics.structural_similarity`` gives of clipped float64 frames with
    ``data_range=1`` and ``channel_axis``.

    Args:
        predicted: ``(C, T, H, W)``.
        true: The same shape.
        window: ``UNIFORM_7`` or ``GAUSSIAN_11``.

    Raises:
        ValueError: As of the errors; or a frame is smaller than the window.
    """
    predicted, true = as_pair(predicted, true, clip=True)
    height, width = true.shape[2:]
    if min(height, width) < window.side:
        raise ValueError(
            f"SSIM {window.name} needs frames of at least {window.side} x "
            f"{window.side} pixels, got {height} x {width}"
        )
    channels, times = true.shape[:2]
    values = [
        np.mean([_index(predicted[c, t], true[c, t], window) for c in range(channels)])
        for t in range(times)
    ]
    return np.array(values)


def _index(x: np.ndarray, y: np.ndarray, window: SSIMWindow) -> float:
    """The mean index of two images ``(H, W)``."""
    mean = window.mean()
    count = window.side**2
    norm = count / (count - 1) if window.unbiased else 1.0
    mean_x, mean_y = mean(x), mean(y)
    var_x = norm * (mean(x * x) - mean_x * mean_x)
    var_y = norm * (mean(y * y) - mean_y * mean_y)
    covariance = norm * (mean(x * y) - mean_x * mean_y)
    light = (2 * mean_x * mean_y + C1) / (mean_x**2 + mean_y**2 + C1)
    structure = (2 * covariance + C2) / (var_x + var_y + C2)
    edge = window.side // 2
    return (light * structure)[edge:-edge, edge:-edge].mean()
