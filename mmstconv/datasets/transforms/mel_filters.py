"""Filter banks from the bins of a Fourier transform to bands on a mel scale.

librosa has the first one too; importing it takes longer than a prediction.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

# Slaney's scale: linear up to 1000 Hz, logarithmic above (Auditory Toolbox, 1998)
HERTZ_A_MEL = 200 / 3
KNEE_HERTZ = 1000.0
KNEE_MEL = KNEE_HERTZ / HERTZ_A_MEL
LOG_STEP = np.log(6.4) / 27


@lru_cache(maxsize=8)
def slaney_filters(
    sample_rate: int, n_fft: int, n_mels: int, f_min: float, f_max: float | None
) -> np.ndarray:
    """Triangles in Hz of area one, ``(n_mels, n_fft // 2 + 1)``, as librosa's."""
    f_max = sample_rate / 2 if f_max is None else f_max
    edges = _hertz(np.linspace(_mel(f_min), _mel(f_max), n_mels + 2))
    bins = np.fft.rfftfreq(n_fft, 1 / sample_rate)
    ramps = edges[:, None] - bins
    widths = np.diff(edges)[:, None]
    rising, falling = -ramps[:-2] / widths[:-1], ramps[2:] / widths[1:]
    bank = np.maximum(0, np.minimum(rising, falling)).astype(np.float32)
    return (bank * (2 / (edges[2:] - edges[:-2]))[:, None]).astype(np.float32)


def _mel(hertz: float) -> float:
    if hertz < KNEE_HERTZ:
        return hertz / HERTZ_A_MEL
    return KNEE_MEL + np.log(hertz / KNEE_HERTZ) / LOG_STEP


def _hertz(mel: np.ndarray) -> np.ndarray:
    above = KNEE_HERTZ * np.exp(LOG_STEP * (mel - KNEE_MEL))
    return np.where(mel < KNEE_MEL, mel * HERTZ_A_MEL, above)


@lru_cache(maxsize=8)
def htk_filters(
    sample_rate: int, n_fft: int, n_mels: int, f_min: float, f_max: float | None
) -> np.ndarray:
    """HTK's filter bank, ``(n_mels, n_fft // 2 + 1)``: a bin's weight falls linearly
    with its distance in mel from the centre of a band."""
    hertz = np.arange(n_fft // 2 + 1) * sample_rate / n_fft
    bins, low, high = (
        1127 * np.log1p(np.asarray(frequency) / 700)
        for frequency in (hertz, f_min, sample_rate / 2 if f_max is None else f_max)
    )
    width = (high - low) / (n_mels + 1)
    centres = low + width * np.arange(1, n_mels + 1)
    bank = np.maximum(1 - np.abs(bins - centres[:, None]) / width, 0)
    return bank.astype(np.float32)


FILTERS = {"librosa": slaney_filters, "htk": htk_filters}
