"""How far a summary agrees with those of users."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

#: Of one video, over its users. TVSum (Song et al. 2015) takes the mean, SumMe (Gygli
#: et al. 2014) is judged by the best (Zhang et al. 2016).
PROTOCOLS: dict[str, Callable[[np.ndarray], float]] = dict(tvsum=np.mean, summe=np.max)


def f1_of_users(frames: np.ndarray, users: np.ndarray) -> np.ndarray:
    """F1 with each user, 0 to 1; 0 where they have nothing in common.

    The shorter of the two is continued with frames that are not shown, so that no
    frame of either is lost (PGL-SUM; pytorch-vsumm-reinforce cuts off what the summary
    has beyond the users').

    Args:
        frames: Which frames the summary shows, ``(n,)``.
        users: Which frames each user has chosen, ``(U, m)``; what is above 0.

    Returns:
        ``(U,)``.
    """
    shown, chosen = np.asarray(frames) > 0, np.atleast_2d(users) > 0
    common = min(len(shown), chosen.shape[1])
    both = (shown[:common] & chosen[:, :common]).sum(1)
    total = shown.sum() + chosen.sum(1)
    return np.divide(2.0 * both, total, out=np.zeros(len(chosen)), where=total > 0)


def over_users(values: np.ndarray, protocol: str) -> float:
    """One value of those with each user.

    Raises:
        ValueError: There is no such protocol.
    """
    if protocol not in PROTOCOLS:
        raise ValueError(f"protocol={protocol!r}, expected one of {list(PROTOCOLS)}")
    return float(PROTOCOLS[protocol](values))
