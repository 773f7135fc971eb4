"""Which shots a summary has: the best that fit into a share of the film."""

from __future__ import annotations

import math

import numpy as np

from ...evaluation.summary import knapsack


def select_shots(importance: np.ndarray, shots: np.ndarray, share: float) -> np.ndarray:
    """The shots with the largest sum of mean importances that fit.

    The field's rule, and the metric's: a shot is worth the mean of its steps, weighs
    its length, the choice is exact, and a shot that is worth nothing is left out.

    Args:
        importance: ``(T,)``.
        shots: First step and the step after the last, ``(S, 2)``.
        share: Of the steps that the summary may have, in (0, 1].

    Returns:
        Whether each shot is chosen, bool ``(S,)``.

    Raises:
        ValueError: ``share`` is out of range, or so small that no shot fits; says how
            large it would have to be. Or no shot that fits is worth anything.
    """
    if not 0 < share <= 1:
        raise ValueError(f"share must be above 0 and at most 1, got {share!r}")
    lengths = shots[:, 1] - shots[:, 0]
    room = math.floor(share * len(importance) + 1e-9)
    if room < lengths.min():
        needed = math.ceil(1000 * lengths.min() / len(importance)) / 1000
        raise ValueError(
            f"no shot is as short as {share:.1%} of this film; with share={needed:g} "
            "one is"
        )
    values = [float(np.mean(importance[first:end])) for first, end in shots]
    chosen = np.zeros(len(shots), bool)
    chosen[knapsack(values, lengths, room)] = True
    if not chosen.any():
        raise ValueError(
            "there is nothing to show: the importance of each shot that fits into "
            f"{share:.1%} of this film is 0; a larger share may help, or a head with "
            "levels=None, which does not round"
        )
    return chosen
