"""Average precision of instants."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .average_precision import AveragePrecision, average_precision
from .events import Events


def spotting_average_precision(
    truth: Events,
    found: Events,
    tolerances: Sequence[float],
    classes: Sequence | None = None,
    frame_rate: float | None = None,
) -> AveragePrecision:
    """Average precision of each class at tolerances on either side.

    As E2E-Spot's ``compute_average_precision`` (Hong et al. 2022): from the best score
    to the worst each detection takes the nearest true instant of its class and video
    that is free, the first of equally near ones, if it lies within the tolerance. Two
    true instants at one time can both be found (there only one can).

    Args:
        truth: True events, ``times`` of ``(G,)`` seconds.
        found: Detections, ``times`` of ``(N,)`` seconds.
        tolerances: ``(K,)``, seconds; with a frame rate, frames.
        classes: Labels that are known. None: those that the truth has.
        frame_rate: Times are rounded to frames of this rate. None: they are not.

    Raises:
        ValueError: As of :func:`~.average_precision.average_precision`.
    """
    if frame_rate is not None:
        truth = truth._replace(times=np.rint(truth.times * frame_rate))
        found = found._replace(times=np.rint(found.times * frame_rate))
    # of equal ones the matching takes the last, so the truth is turned round
    turned = truth.of(slice(None, None, -1))
    judged = average_precision(
        turned, found, -np.asarray(tolerances, np.float64), classes, _nearness
    )
    places = np.where(
        judged.matches < 0, judged.matches, len(truth.labels) - 1 - judged.matches
    )
    return judged._replace(matches=places)


def _nearness(times: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Minus the distance of each pair, ``(n, g)``."""
    return -np.abs(times[:, None] - others)
