"""What each player brought to a game."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import combinations
from math import comb

import numpy as np


def shapley_values(
    worth: Mapping[Collection[str], np.ndarray | float],
) -> dict[str, np.ndarray | float]:
    """Exact Shapley values (Shapley 1953, "A value for n-person games").

    phi_i = sum over S without i of  |S|! (M - |S| - 1)! / M!  (v(S + i) - v(S)):
    what i adds to those before it, averaged over all orders of M players. The
    values sum to v(all) - v(nobody).

    Args:
        worth: ``{players: worth}`` of all 2^M sets of players, in any order of the
            players: tuples or frozensets. Arrays are as many games, of one shape.

    Returns:
        ``{player: value}``, in alphabetical order.

    Raises:
        ValueError: A set of players has no worth.
    """
    games = {frozenset(players): value for players, value in worth.items()}
    players = sorted(frozenset().union(*games))
    values = {}
    for player in players:
        others = [other for other in players if other != player]
        total = 0.0
        for size in range(len(players)):
            weight = 1 / (len(players) * comb(len(players) - 1, size))
            for before in map(frozenset, combinations(others, size)):
                for needed in (before, before | {player}):
                    if needed not in games:
                        raise ValueError(f"worth of {sorted(needed)} is missing")
                gain = games[before | {player}] - games[before]
                total = total + weight * gain
        values[player] = total
    return values
