"""Whether probabilities are right as often as they say, and a temperature for them.

`On Calibration of Modern Neural Networks <https://arxiv.org/abs/1706.04599>`_ (Guo et
al. 2017): expected calibration error (section 2, eq. 3) and temperature scaling
(section 4.2, eq. 9).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

BINS = 15  # as in the paper's tables
#: Where a temperature is looked for. Beyond lies none that a network would need.
BOUNDS = (0.05, 20.0)
TINY = float(np.finfo(np.float32).tiny)


class Fit(NamedTuple):
    """A temperature, and how far chance may have moved it.

    Args:
        temperature: Above 1 where probabilities are too sure.
        error: One standard error, from the curvature of the likelihood, as if the
            samples were independent; those of one source are not quite.
    """

    temperature: float
    error: float


def to_probabilities(scores: np.ndarray) -> np.ndarray:
    """Scores ``(..., C)`` as float64 probabilities.

    They are probabilities already if none is negative and they sum to 1; otherwise
    logits or log-probabilities, which a softmax makes probabilities.
    """
    scores = np.asarray(scores, np.float64)
    if scores.min() >= 0 and np.abs(scores.sum(-1) - 1).max() < 1e-3:
        return scores
    odds = np.exp(scores - scores.max(-1, keepdims=True))
    return odds / odds.sum(-1, keepdims=True)


def at_temperature(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """``softmax(log(p) / T)`` of ``(..., C)``; T = 1 changes nothing.

    A second temperature multiplies the first, so ``1 / T`` undoes T.
    """
    logs = np.log(np.maximum(np.asarray(probabilities, np.float64), TINY))
    return to_probabilities(logs / temperature)


def negative_log_likelihood(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Mean over samples, in nats; at most 87.3 each, as float32 has it.

    Args:
        probabilities: ``(N, C)``.
        labels: ``(N,)``.
    """
    own = np.asarray(probabilities, np.float64)[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(own, TINY)).mean())


def reliability(
    confidence: Sequence[float], right: Sequence[bool], bins: int = BINS
) -> list[dict]:
    """Samples by their confidence, in bins of equal width that are closed above.

    Args:
        confidence: Probability of the class that is answered, ``(N,)``. NaN: the
            sample does not count.
        right: Whether that class is right, ``(N,)``.
        bins: How many.

    Returns:
        Of each bin with samples, from the lowest: ``low``, ``high``, ``samples``, and
        the means ``confidence`` and ``accuracy``. Plain types.
    """
    confidence, right = np.asarray(confidence, np.float64), np.asarray(right, bool)
    counts = ~np.isnan(confidence)
    confidence, right = confidence[counts], right[counts]
    edges, places = _binned(confidence, bins)
    return [
        dict(
            low=float(edges[place]),
            high=float(edges[place + 1]),
            samples=int(own.sum()),
            confidence=float(confidence[own].mean()),
            accuracy=float(right[own].mean()),
        )
        for place in range(bins)
        if (own := places == place).any()
    ]


def calibration_error(table: Sequence[dict]) -> float:
    """Expected calibration error of a :func:`reliability` table, eq. 3 of the paper.

    The mean over samples of the gap between confidence and accuracy in their bin; NaN
    of an empty table.
    """
    count = sum(one["samples"] for one in table)
    if not count:
        return float("nan")
    gaps = [one["samples"] * abs(one["accuracy"] - one["confidence"]) for one in table]
    return sum(gaps) / count


def error_by_chance(
    confidence: Sequence[float], bins: int = BINS, draws: int = 200
) -> float:
    """The calibration error that as many samples show where there is none.

    Few samples in a bin are never right exactly as often as they say, and the error
    counts every gap. The mean over draws in which each answer is right with the
    probability that it says (consistency resampling, `Bröcker and Smith 2007
    <https://doi.org/10.1175/WAF993.1>`_).

    Args:
        confidence: As of :func:`reliability`.
        bins: How many.
        draws: How many, of a generator with a seed of its own.
    """
    confidence = np.asarray(confidence, np.float64)
    confidence = confidence[~np.isnan(confidence)]
    if not len(confidence):
        return float("nan")
    _, places = _binned(confidence, bins)
    said = np.bincount(places, confidence, bins)
    rng = np.random.default_rng(0)
    gaps = [
        np.abs(np.bincount(places, rng.random(len(places)) < confidence, bins) - said)
        for _ in range(draws)
    ]
    return float(np.sum(gaps)) / draws / len(confidence)


def _binned(confidence: np.ndarray, bins: int) -> tuple[np.ndarray, np.ndarray]:
    """Edges ``(bins + 1,)``, and the bin ``(low, high]`` of each sample."""
    edges = np.arange(bins + 1) / bins
    places = np.searchsorted(edges, confidence, side="left") - 1
    return edges, places.clip(0, bins - 1)  # 0, and what rounding has put above 1


def fit_temperature(probabilities: np.ndarray, labels: np.ndarray) -> Fit:
    """The temperature at which the labels are likeliest.

    The negative log-likelihood is convex in ``1 / T``; this is the root of its
    derivative, the mean over samples of ``E_T[log p] - log p[label]``, in float64.

    Args:
        probabilities: ``(N, C)``, of samples that the network was not trained on.
        labels: ``(N,)``.

    Raises:
        ValueError: No temperature can be had from these samples; says why.
    """
    from scipy.optimize import brentq  # every training would wait for it

    logs = np.log(np.maximum(np.asarray(probabilities, np.float64), TINY))  # (N, C)
    own = logs[np.arange(len(labels)), labels]  # (N,)

    def moments(inverse: float) -> tuple[np.ndarray, np.ndarray]:
        shares = to_probabilities(inverse * logs)
        mean = (shares * logs).sum(1)
        return mean, (shares * (logs - mean[:, None]) ** 2).sum(1)

    def slope(inverse: float) -> float:
        return float((moments(inverse)[0] - own).mean())

    low, high = 1 / BOUNDS[1], 1 / BOUNDS[0]
    if not len(labels) or np.ptp(logs, axis=1).max() < 1e-9:
        raise ValueError(
            f"{len(labels)} samples, none of which prefers a class to another: there "
            "is nothing to scale; is the network trained?"
        )
    if slope(high) <= 0:
        raise ValueError(
            f"of {len(labels)} samples all are predicted right, or nearly: no "
            "temperature is too low for them; hold out more, or harder ones"
        )
    if slope(low) >= 0:
        raise ValueError(
            f"the {len(labels)} samples are predicted no better than by a guess: no "
            "temperature is too high for them; are their labels, and the network's "
            "classes, those of the training?"
        )
    inverse = brentq(slope, low, high, xtol=1e-12)
    variance = float(moments(inverse)[1].sum())  # of 1 / T: its Fisher information
    return Fit(1 / inverse, 1 / (inverse**2 * variance**0.5))
