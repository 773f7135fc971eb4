"""The choice of shots beside all choices there are."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from mmstconv.evaluation.summary import knapsack


def best_of_all(values, weights, capacity) -> float:
    """Brute force over all subsets."""
    items = range(len(values))
    return max(
        sum(values[item] for item in chosen)
        for size in range(len(values) + 1)
        for chosen in combinations(items, size)
        if sum(weights[item] for item in chosen) <= capacity
    )


def test_no_choice_is_better():
    generator = np.random.default_rng(0)
    wrong = []
    for case in range(150):
        count = int(generator.integers(0, 9))
        values = generator.random(count)
        if case % 3 == 0:  # many choices are equally good
            values = values.round(1)
        weights = generator.integers(0, 12, count)
        capacity = int(generator.integers(0, 40))
        chosen = knapsack(values, weights, capacity)
        if chosen != sorted(set(chosen)) or weights[chosen].sum() > capacity:
            wrong.append((case, "does not fit", chosen))
        if values[chosen].sum() < best_of_all(values, weights, capacity) - 1e-12:
            wrong.append((case, "is not the best", chosen))
    assert not wrong


def test_equally_good_choices():
    assert knapsack([1, 1, 1], [2, 2, 2], 4) == [0, 1]
    assert knapsack([0, 0], [1, 1], 2) == []
    assert knapsack([0.5, 0.25, 0.25], [2, 1, 1], 2) == [0]


def test_values_are_not_rounded():
    """Where a solver of whole numbers sees only zeros."""
    assert knapsack([0.2, 0.1, 0.15], [2, 1, 1], 2) == [1, 2]


def test_edges():
    assert knapsack([], [], 5) == []
    assert knapsack([1.0], [1], 0) == []
    assert knapsack([1.0], [0], 0) == [0]
    assert knapsack([1.0, 2.0], [3, 9], 5) == [0]
    assert knapsack([-1.0, 2.0], [1, 1], 5) == [1]
    assert knapsack([1.0, 2.0], [1.0, 2.0], 3.0) == [0, 1]  # whole, as floats


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1, float("nan")], [1, 1], 2), "finite"),
        (([1, 1], [1, 0.5], 2), "weights.*whole"),
        (([1, 1], [1, -1], 2), "weights.*at least 0"),
        (([1, 1], [1, 1], -2), "capacity.*at least 0"),
        (([1, 1], [1, 1], 2.5), "capacity.*whole"),
        (([1, 1], [1], 2), "2 values, 1 weights"),
    ],
)
def test_wrong_input(arguments, message):
    with pytest.raises(ValueError, match=message):
        knapsack(*arguments)
