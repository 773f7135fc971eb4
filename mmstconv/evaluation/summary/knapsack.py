"""Which shots fit into a summary: the 0/1 knapsack problem, solved exactly."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def knapsack(
    values: Sequence[float], weights: Sequence[int], capacity: int
) -> list[int]:
    """The items of the largest total value that fit.

    Dynamic programming over items and room (Bellman 1957): the best value in room w
    with item i is ``max(best[w], best[w - weights[i]] + values[i])``. Values stay
    floats. Of equally good choices it is the one without the later items; an item
    that adds nothing is left out.

    Args:
        values: What each item is worth, ``(n,)``.
        weights: How much room each takes, whole numbers of frames or steps, ``(n,)``.
        capacity: How much room there is, a whole number.

    Returns:
        Places of the chosen items, in rising order.

    Raises:
        ValueError: Values that are not finite, weights or a capacity that are not
            whole numbers of at least 0, or not as many weights as values.
    """
    values = np.asarray(values, np.float64).reshape(-1)
    if not np.isfinite(values).all():
        raise ValueError(f"knapsack: values are not all finite: {values.tolist()}")
    weights = _whole(weights, "weights").reshape(-1)
    capacity = int(_whole(capacity, "capacity"))
    if len(values) != len(weights):
        raise ValueError(f"knapsack: {len(values)} values, {len(weights)} weights")
    best = np.zeros(capacity + 1)  # in each room
    taken = np.zeros((len(values), capacity + 1), bool)
    for item, (value, weight) in enumerate(zip(values, weights)):
        if weight > capacity:
            continue
        with_it = best[: capacity + 1 - weight] + value
        taken[item, weight:] = with_it > best[weight:]
        best[weight:] = np.maximum(with_it, best[weight:])
    chosen, room = [], capacity
    for item in reversed(range(len(values))):
        if taken[item, room]:
            chosen.append(item)
            room -= int(weights[item])
    return chosen[::-1]


def _whole(numbers: int | Sequence[int], name: str) -> np.ndarray:
    found = np.asarray(numbers)
    whole = found.astype(np.float64)
    if not np.isfinite(whole).all() or (whole != whole.round()).any():
        raise ValueError(f"knapsack: {name}={found.tolist()}, expected whole numbers")
    if (whole < 0).any():
        raise ValueError(f"knapsack: {name}={found.tolist()}, expected at least 0")
    return whole.astype(np.int64)
