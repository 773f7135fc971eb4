"""Whether importance puts steps into the order that users put them into."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import kendalltau, spearmanr


class Correlation(NamedTuple):
    """Means over users.

    Args:
        tau: Kendall's tau-b, -1 to 1.
        rho: Spearman's rho, -1 to 1.
    """

    tau: float
    rho: float


def rank_correlations(scores: Sequence[float], users: np.ndarray) -> Correlation:
    """Kendall's tau and Spearman's rho with each user, then their means.

    Otani et al. 2019, "Rethinking the Evaluation of Video Summaries". The mean is over
    the correlations, not the correlation with the mean user, which is another number.
    Where the scores, or those of a user, are all equal there is no order, and the
    correlation is 0.

    Args:
        scores: Predicted importance, ``(T,)``.
        users: That of each user, ``(U, T)``.

    Raises:
        ValueError: They are not as many.
    """
    scores = np.asarray(scores, np.float64).reshape(-1)
    users = np.atleast_2d(np.asarray(users, np.float64))
    if users.shape[1] != len(scores):
        raise ValueError(f"{len(scores)} scores, but users have {users.shape[1]}")
    taus, rhos = np.zeros(len(users)), np.zeros(len(users))
    if np.ptp(scores) > 0:
        for row in np.flatnonzero(np.ptp(users, axis=1) > 0):
            taus[row] = kendalltau(scores, users[row]).statistic
            rhos[row] = spearmanr(scores, users[row]).statistic
    return Correlation(float(taus.mean()), float(rhos.mean()))
