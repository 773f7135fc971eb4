"""All measures by name; a name says the setting."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from .errors import (
    mean_absolute_error,
    mean_squared_error,
    peak_signal_to_noise,
    summed_absolute_error,
    summed_squared_error,
)
from .similarity import GAUSSIAN_11, UNIFORM_7, structural_similarity

Measure = Callable[[np.ndarray, np.ndarray], np.ndarray]

#: ``{name: function of predicted and true frames (C, T, H, W) that gives (T,)}``.
MEASURES: dict[str, Measure] = {
    "mse_sum": summed_squared_error,
    "mse_pixel": mean_squared_error,
    "mae_sum": summed_absolute_error,
    "mae_pixel": mean_absolute_error,
    "psnr_range1": peak_signal_to_noise,
    **{
        f"ssim_{window.name}_range1": partial(structural_similarity, window=window)
        for window in (UNIFORM_7, GAUSSIAN_11)
    },
}
