"""From decoded frames of sound to mono samples at the rate that is asked for."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

# ITU-R BS.775: the weight of each speaker in the sum of left and right. Low-frequency
# effects are left out.
SIDE_WEIGHT = math.sqrt(0.5)
WEIGHTS = {
    "LFE": 0.0,
    "LFE2": 0.0,
    "FC": 2 * SIDE_WEIGHT,
    "BL": SIDE_WEIGHT,
    "BR": SIDE_WEIGHT,
    "SL": SIDE_WEIGHT,
    "SR": SIDE_WEIGHT,
    "BC": SIDE_WEIGHT,
}

# By FFmpeg's name of the interleaved format.
DTYPES = {
    "u8": np.uint8,
    "s16": np.int16,
    "s32": np.int32,
    "s64": np.int64,
    "flt": np.float32,
    "dbl": np.float64,
}
# PyAV reads past the planes of a frame that has more (seen in 18.1).
MAX_PLANES = 7


def downmix(samples: np.ndarray, channels: Sequence[str]) -> np.ndarray:
    """Mixes channels to one, normalised so that no peak grows.

    Mono and stereo are plain means.

    Args:
        samples: ``(channels, samples)``.
        channels: FFmpeg's name of each channel.

    Returns:
        ``(samples,)`` float32.
    """
    if len(samples) == 1:
        return samples[0]
    weights = np.array([WEIGHTS.get(name, 1.0) for name in channels], np.float32)
    if len(weights) != len(samples) or not weights.any():
        weights = np.ones(len(samples), np.float32)
    return (weights / weights.sum()) @ samples


def to_float(frame) -> np.ndarray:
    """The samples of a decoded frame, ``(channels, samples)`` float32 in [-1, 1]."""
    channels = frame.layout.nb_channels
    if frame.format.is_planar and channels > MAX_PLANES:
        frame = _interleaved(frame)
    # Not frame.to_ndarray(), which is slow.
    dtype = DTYPES[frame.format.packed.name]
    if frame.format.is_planar:
        samples = np.empty((channels, frame.samples), dtype)
        for row, plane in zip(samples, frame.planes):
            row[:] = np.frombuffer(plane, dtype, frame.samples)
    else:
        samples = np.frombuffer(frame.planes[0], dtype, frame.samples * channels)
        samples = samples.reshape(-1, channels).T
    if samples.dtype == np.uint8:
        return (samples.astype(np.float32) - 128) / 128
    if samples.dtype.kind == "i":
        return samples.astype(np.float32) / -float(np.iinfo(samples.dtype).min)
    return samples.astype(np.float32, copy=False)


def _interleaved(frame):
    """The frame with all channels in one plane."""
    import av

    frame.pts = None
    resampler = av.AudioResampler("flt", frame.layout, frame.sample_rate)
    return resampler.resample(frame)[0]


def resample(samples: np.ndarray, rate: int, target: int) -> np.ndarray:
    """Band-limited change of rate; output sample k is at time k / target."""
    if rate == target:
        return samples
    import soxr

    return soxr.resample(samples, rate, target, quality="HQ")


def native_window(
    start: float, length: int, rate: int, target: int, margin: float
) -> tuple[int, int, int]:
    """Which samples at the file's rate a window at the target rate needs.

    The window begins at a sample of the target rate. The cut begins where samples of
    both rates are at the same time, so that the resampled window equals the same part
    of the whole file resampled.

    Args:
        start: Of the window, in seconds.
        length: Of the window, in samples at the target rate.
        rate: The file's rate.
        target: The target rate.
        margin: Seconds that the resampler sees on either side.

    Returns:
        First sample and end at the file's rate, and how many samples to drop in front
        after resampling.
    """
    first = round(start * target)
    common = math.gcd(rate, target)
    period, period_out = rate // common, target // common
    if period > rate * margin:  # samples coincide too rarely: the nearest one
        begin = round((first / target - margin) * rate)
        drop = first - round(begin * target / rate)
    else:
        meets = (first - round(margin * target)) // period_out
        begin, drop = meets * period, first - meets * period_out
    end = begin + math.ceil((drop + length) * rate / target) + round(margin * rate)
    return begin, end, drop
