"""Which stretches of a film a summary shows, and when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Cut(NamedTuple):
    """A stretch of a film that is shown without a break.

    Args:
        start: In seconds of the film.
        end: Of the film.
        shown: When it begins, in seconds of the summary.
    """

    start: float
    end: float
    shown: float


def cuts_of(stretches: Sequence[tuple[float, float]], rate: int) -> list[Cut]:
    """Stretches one after another; those that touch become one.

    Each is as long as a whole number of samples, so that sound and pictures never part.

    Args:
        stretches: Begin and end in seconds, rising.
        rate: Samples a second.
    """
    joined: list[list[float]] = []
    for start, end in stretches:
        if joined and start <= joined[-1][1] + 0.5 / rate:
            joined[-1][1] = max(end, joined[-1][1])
        else:
            joined.append([start, end])
    cuts, samples = [], 0
    for start, end in joined:
        length = round((end - start) * rate)
        if length:
            cuts.append(Cut(start, start + length / rate, samples / rate))
            samples += length
    return cuts


def faded(sound: np.ndarray, rate: int, fade: float) -> np.ndarray:
    """A stretch of sound that begins and ends in silence, without a click.

    Args:
        sound: ``(samples,)``.
        rate: Samples a second.
        fade: Seconds in which it rises, and falls; at most half of it each.
    """
    count = min(round(fade * rate), len(sound) // 2)
    ramp = (np.arange(count, dtype=np.float32) + 0.5) / max(count, 1)
    sound = sound.astype(np.float32, copy=True)
    sound[:count] *= ramp
    sound[len(sound) - count :] *= ramp[::-1]
    return sound
