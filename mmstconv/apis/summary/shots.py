"""Where a film's shots begin: kernel change points of its features."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import NamedTuple

import numpy as np

POINTS = 7200  # of a longer sequence, neighbours are averaged to no more than these

COMPONENTS = 64  # of wider features, the principal components of most scatter are read
PART = 1024  # points that are projected at a time
FLATTEST = 1e-9  # ruptures wants a penalty above 0


class ShotLimits(NamedTuple):
    """How long a shot may be, in seconds, and how readily one ends.

    Args:
        shortest: No change point makes a shorter one.
        longest: A longer one is cut into equal parts.
        penalty: C of :func:`change_points`; larger gives fewer shots.
    """

    shortest: float = 1.0
    longest: float = 10.0
    penalty: float = 1.0


def find_shots(
    features: np.ndarray, edges: np.ndarray, limits: ShotLimits | None = None
) -> np.ndarray:
    """The shots of a film, without gaps.

    Args:
        features: One row a step, ``(T, D)``.
        edges: Where steps begin and the last one ends, seconds ``(T + 1,)``.
        limits: Of the lengths; None is ``ShotLimits()``.

    Returns:
        First step of each shot and the step after its last, ``(S, 2)``.

    Raises:
        ValueError: There are no steps, or limits that contradict each other.
        ImportError: ``ruptures`` is not installed.
    """
    limits = limits or ShotLimits()
    steps = len(features)
    if not steps or len(edges) != steps + 1:
        raise ValueError(
            f"find_shots: {steps} steps and {len(edges)} edges; expected at least one "
            "step, and one edge more than steps"
        )
    if not 0 < limits.shortest <= limits.longest / 2:
        raise ValueError(
            f"the longest shot must be at least two of the shortest, got {limits}"
        )
    step = (edges[-1] - edges[0]) / steps
    least = max(math.ceil(limits.shortest / step - 1e-6), 1)
    cuts = change_points(features, least, limits.penalty)
    most = max(math.floor(min(limits.longest / step, steps) + 1e-6), 1)
    bounds = [0, *cuts, steps]
    begins = [
        begin
        for first, end in pairwise(bounds)
        for begin in _equal_parts(first, end, most)
    ]
    return np.stack([begins, [*begins[1:], steps]], axis=1)


def _equal_parts(first: int, end: int, most: int) -> list[int]:
    """Where the fewest equal parts begin of which none has more steps than ``most``."""
    parts = math.ceil((end - first) / most)
    return [first + (end - first) * part // parts for part in range(parts)]


def change_points(
    features: np.ndarray, shortest: int = 1, penalty: float = 1.0
) -> list[int]:
    """Change points of a sequence, and how many there are.

    `Category-specific video summarization
    <https://doi.org/10.1007/978-3-319-10599-4_35>`_ (Potapov et al. 2014), kernel
    temporal segmentation: of all m and all m cuts those with the least scatter within
    segments plus ``C g(m)``, ``g(m) = m (log(n / m) + 1)``, here with the linear kernel
    and the scatter of the whole sequence scaled to n. With C = 1 white noise has no
    cuts.

    g is concave, and so the least of its tangents; hence the best cuts are also best
    under a penalty that is a tangent, the same for each cut. Those are found by
    ``ruptures`` (pruned dynamic programming).

    Args:
        features: ``(n, D)``.
        shortest: Points of a segment, at least.
        penalty: C; larger gives fewer cuts.

    Returns:
        The first point of each segment but the first, rising; possibly none.

    Raises:
        ValueError: A feature is not finite.
        ImportError: ``ruptures`` is not installed.
    """
    x = np.asarray(features)
    if not np.isfinite(x).all():
        raise ValueError("change_points: features are not all finite")
    group = math.ceil(len(x) / POINTS)
    x = _averaged(x, group)
    shortest = math.ceil(shortest / group)
    x = _main_components(x)
    scatter = np.square(x).sum() / max(len(x), 1)
    if len(x) < 2 * shortest or scatter < 1e-12:
        return []
    cuts = _least(x / math.sqrt(scatter), shortest, penalty)
    return [cut * group for cut in cuts]


def _averaged(x: np.ndarray, group: int) -> np.ndarray:
    """Means of so many neighbours each; the last one of those that are left."""
    if group == 1:
        return x
    means = [
        x[k : k + group].mean(0, dtype=np.float64) for k in range(0, len(x), group)
    ]
    return np.stack(means)


def _main_components(x: np.ndarray) -> np.ndarray:
    """Of centred x, in double precision; no more than a part of it is at a time."""
    mean = x.mean(axis=0, dtype=np.float64)
    if x.shape[1] <= COMPONENTS:
        return x - mean
    parts = [x[k : k + PART] for k in range(0, len(x), PART)]
    scatter = sum((part - mean).T @ (part - mean) for part in parts)
    _, axes = np.linalg.eigh(scatter)  # by rising scatter
    return np.concatenate([(part - mean) @ axes[:, -COMPONENTS:] for part in parts])


def _least(x: np.ndarray, shortest: int, weight: float) -> list[int]:
    """The cuts with the least scatter and penalty.

    The best m is what the tangent at m itself gives. Steeper tangents, those at fewer
    cuts, give no more cuts; so where the tangent at c gives m < c, none between m and c
    is the best. Where it gives c or more, the search goes on at one less, or a quarter
    less where that is more.
    """
    solver = _solver(x, shortest)
    best, least = [], criterion(x, [], weight)
    count = len(x) // shortest
    while count:
        slope = weight * math.log(len(x) / count)
        cuts = solver.predict(pen=max(slope, FLATTEST))[:-1]
        found = criterion(x, cuts, weight)
        if found < least:
            best, least = cuts, found
        count = min(len(cuts), count - max(count // 4, 1))
    return [int(cut) for cut in best]


def _solver(x: np.ndarray, shortest: int):
    try:
        from ruptures import KernelCPD
    except ImportError as error:
        raise ImportError(
            "shots are found with ruptures: pip install mmstconv[summaries]"
        ) from error
    return KernelCPD(kernel="linear", min_size=shortest).fit(x)


def criterion(x: np.ndarray, cuts: list[int], weight: float) -> float:
    """Scatter within segments and ``weight * m (log(n / m) + 1)``."""
    scatter = sum(
        float(np.square(part - part.mean(0)).sum()) for part in np.split(x, cuts)
    )
    count = len(cuts)
    if not count:
        return scatter
    return scatter + weight * count * (math.log(len(x) / count) + 1)
