"""Measures of predicted frames, as functions of NumPy arrays, and forecasts to beat.

Frames are ``(C, T, H, W)``: uint8, or floats with 0 black and 1 white. Each function
gives one value for each of the T frames, the errors by horizon; their mean over films
and frames is what papers print.
"""

from .baselines import BASELINES, extrapolate_flow, repeat_last_frame
from .errors import (
    mean_absolute_error,
    mean_squared_error,
    peak_signal_to_noise,
    summed_absolute_error,
    summed_squared_error,
)
from .measures import MEASURES, measures_of
from .perceptual import PerceptualDistance
from .similarity import GAUSSIAN_11, UNIFORM_7, SSIMWindow, structural_similarity

__all__ = [
    "BASELINES",
    "GAUSSIAN_11",
    "MEASURES",
    "UNIFORM_7",
    "PerceptualDistance",
    "SSIMWindow",
    "extrapolate_flow",
    "mean_absolute_error",
    "mean_squared_error",
    "measures_of",
    "peak_signal_to_noise",
    "repeat_last_frame",
    "structural_similarity",
    "summed_absolute_error",
    "summed_squared_error",
]
