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

SSIM_WINDOWS = {f"ssim_{one.name}_range1": one for one in (UNIFORM_7, GAUSSIAN_11)}

#: ``{name: function of predicted and true frames (C, T, H, W) that gives (T,)}``.
MEASURES: dict[str, Measure] = {
    "mse_sum": summed_squared_error,
    "mse_pixel": mean_squared_error,
    "mae_sum": summed_absolute_error,
    "mae_pixel": mean_absolute_error,
    "psnr_range1": peak_signal_to_noise,
    **{
        name: partial(structural_similarity, window=window)
        for name, window in SSIM_WINDOWS.items()
    },
}


def measures_of(side: int) -> dict[str, Measure]:
    """Those that frames with a shorter side of so many pixels are large enough for."""
    return {
        name: measure
        for name, measure in MEASURES.items()
        if name not in SSIM_WINDOWS or SSIM_WINDOWS[name].side <= side
    }
