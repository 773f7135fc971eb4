"""Log-mel features of all of a file's sound."""

from __future__ import annotations

import numpy as np

from ...datasets.transforms.audio import LogMel
from ...media import MediaReader
from .form import BANDS, ROWS

RATE = 16000
HOP = RATE // ROWS
WINDOW = 1280  # samples of a row's window, in the middle of which its time lies
LOWEST, REFERENCE = -100.0, 20.0  # decibels: what becomes 0, and less than what is 1
BLOCK = 60 * ROWS  # rows that are computed together


def log_mel() -> LogMel:
    """The bands of MMAction2's build_audio_features.py, before they are scaled."""
    return LogMel(
        BANDS, WINDOW, HOP, 125, 7600, 10 ** (LOWEST / 20), center=False, power=1
    )


def scaled(bands: np.ndarray) -> np.ndarray:
    """Natural logarithms of the magnitude to 0..1, as build_audio_features.py does."""
    decibels = 20 / np.log(10) * bands - REFERENCE
    return np.clip((decibels - LOWEST) / -LOWEST, 0, 1)


def audio_feature(media: MediaReader) -> np.ndarray:
    """The feature of a file with sound, on the clock of its pictures.

    Row r is of the sound around ``r / 50`` seconds after the first frame, or after the
    beginning of a file without pictures. No loudness is evened out.

    Args:
        media: The open file.

    Returns:
        float32 ``(rows, 80)``, 0..1.
    """
    start, end = media.extent
    count = max(round((end - start) * ROWS), 1)
    bands, parts = log_mel(), []
    for first in range(0, count, BLOCK):
        last = min(first + BLOCK, count) - 1
        begin = start + (first * HOP - WINDOW // 2) / RATE
        stop = start + (last * HOP + WINDOW // 2) / RATE
        sound = media.waveform(begin, stop, RATE)
        found = bands.transform(dict(waveform=sound[None], sample_rate=RATE))
        parts.append(scaled(found["audio"][0].T))
    return np.concatenate(parts).astype(np.float32)
