"""Whether a film's frames lie on an even grid of times."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

TOLERATED = 0.5  # of the time between two frames


def is_variable(stamps: Sequence[int]) -> bool:
    """Whether a frame's number does not tell its time.

    That is so where a gap between frames differs by more than half from the usual one
    (frames were dropped), or where a frame lies more than half a gap off the even grid
    from the first to the last (the rate changes).

    Args:
        stamps: Of all frames, in ticks, in any order. A tick is tolerated: containers
            round.
    """
    stamps = np.unique(np.asarray(stamps, np.float64))
    if len(stamps) < 3:
        return False
    gaps = np.diff(stamps)
    usual = np.median(gaps)
    tolerated = TOLERATED * usual + 1
    if np.abs(gaps - usual).max() > tolerated:
        return True
    grid = np.linspace(stamps[0], stamps[-1], len(stamps))
    return bool(np.abs(stamps - grid).max() > tolerated)
