"""Change points against a brute force, bounds of shots, and selection."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from mmstconv.apis.summary.selection import select_shots
from mmstconv.apis.summary.shots import (
    POINTS,
    ShotLimits,
    change_points,
    criterion,
    find_shots,
)
from mmstconv.evaluation.summary import summarize


def scenes(rng, lengths, noise=0.3, width=6):
    rows = [
        rng.normal(size=width) + noise * rng.normal(size=(n, width)) for n in lengths
    ]
    return np.concatenate(rows)


def scaled(x):
    x = x - x.mean(0)
    return x / math.sqrt(np.square(x).sum() / len(x))


def least_by_brute_force(x, shortest, weight):
    """Over every number of cuts, by the textbook's dynamic programme."""
    n = len(x)
    cost = np.full((n + 1, n + 1), np.inf)
    for a, b in itertools.combinations(range(n + 1), 2):
        if b - a >= shortest:
            cost[a, b] = np.square(x[a:b] - x[a:b].mean(0)).sum()
    best, least = cost[0].copy(), cost[0, n]
    for count in range(1, n // shortest):
        best = (best[:, None] + cost).min(axis=0)
        least = min(least, best[n] + weight * count * (math.log(n / count) + 1))
    return least


def test_the_least_of_all_numbers_of_cuts():
    rng = np.random.default_rng(0)
    numbers, exact = set(), 0
    for case in range(60):
        lengths = rng.integers(2, 14, size=rng.integers(1, 8))
        x = scaled(scenes(rng, lengths, noise=rng.choice([0.1, 0.5, 1.5])))
        shortest, penalty = int(rng.choice([1, 2, 4])), float(rng.choice([0.3, 1, 2]))
        cuts = change_points(x, shortest, penalty)
        bounds = [0, *cuts, len(x)]
        assert not cuts or min(np.diff(bounds)) >= shortest
        found = criterion(x, cuts, penalty)
        least = least_by_brute_force(x, shortest, penalty)
        exact += found <= least * (1 + 1e-9)
        assert found <= least * 1.01, (case, found, least)
        numbers.add(len(cuts))
    assert exact >= 58 and len(numbers) > 4


def test_cuts_are_where_scenes_change():
    rng = np.random.default_rng(1)
    x = scenes(rng, [20, 9, 30, 12])
    assert change_points(x, 4) == [20, 29, 59]
    assert change_points(x * 1000 + 5, 4) == [20, 29, 59]  # no scale, no offset


def test_nothing_changes():
    rng = np.random.default_rng(2)
    assert change_points(np.ones((50, 3))) == []
    assert change_points(np.ones((1, 3))) == []
    assert change_points(rng.normal(size=(80, 32)), 2) == []
    with pytest.raises(ValueError, match="not all finite"):
        change_points(np.array([[1.0], [np.nan]]))


def test_bounds_of_lengths():
    rng = np.random.default_rng(3)
    x = scenes(rng, [20, 2, 200, 12])
    edges = 5 + np.arange(len(x) + 1) / 4  # 4 steps a second
    shots = find_shots(x, edges, ShotLimits(shortest=1.0, longest=10.0))
    lengths = shots[:, 1] - shots[:, 0]
    assert shots[0, 0] == 0 and shots[-1, 1] == len(x)
    assert (shots[1:, 0] == shots[:-1, 1]).all()
    assert lengths.min() >= 4 and lengths.max() <= 40
    assert 222 in shots[:, 0]
    endless = find_shots(x, edges, ShotLimits(longest=math.inf))
    assert (endless[:, 1] - endless[:, 0]).max() > 150
    one = find_shots(x[:1], edges[:2])
    assert one.tolist() == [[0, 1]]
    with pytest.raises(ValueError, match="at least two of the shortest"):
        find_shots(x, edges, ShotLimits(shortest=6.0, longest=10.0))
    with pytest.raises(ValueError, match="0 steps and 1 edges"):
        find_shots(x[:0], edges[:1])


def test_longer_sequences_are_averaged():
    rng = np.random.default_rng(4)
    lengths = [3000, 2500, 4000]
    x = scenes(rng, lengths)
    assert len(x) > POINTS
    found = change_points(x, 8)
    assert found == [3000, 5500]


def test_the_best_shots_that_fit():
    rng = np.random.default_rng(5)
    for _ in range(40):
        ends = np.cumsum(rng.integers(1, 9, size=rng.integers(1, 9)))
        shots = np.stack([[0, *ends[:-1]], ends], axis=1)
        importance = rng.random(ends[-1])
        share = float(rng.uniform(0.2, 1))
        worth = [importance[a:b].mean() for a, b in shots]
        fits = [
            sum(worth[k] for k in part)
            for size in range(len(shots) + 1)
            for part in itertools.combinations(range(len(shots)), size)
            if sum(np.diff(shots[k])[0] for k in part) <= share * ends[-1]
        ]
        if min(np.diff(shots, axis=1)) > share * ends[-1]:
            with pytest.raises(ValueError, match="no shot is as short as"):
                select_shots(importance, shots, share)
            continue
        chosen = select_shots(importance, shots, share)
        assert np.dot(worth, chosen) == pytest.approx(max(fits))


def test_shares_that_cannot_be():
    shots = np.array([[0, 10], [10, 40]])
    for share in (0, -0.1, 1.5):
        with pytest.raises(ValueError, match="share must be above 0"):
            select_shots(np.ones(40), shots, share)
    with pytest.raises(ValueError, match=r"10\.0% of this film; with share=0\.25"):
        select_shots(np.ones(40), shots, 0.1)
    with pytest.raises(ValueError, match="importance of each shot that fits"):
        select_shots(np.zeros(40), shots, 1)


def test_shots_are_chosen_as_the_metric_chooses():
    """Also where many are worth nothing, which leaves room."""
    rng, with_room = np.random.default_rng(6), 0
    for _ in range(60):
        ends = np.cumsum(rng.integers(1, 9, size=8))
        shots = np.stack([[0, *ends[:-1]], ends], axis=1)
        worth = rng.choice([0, 0, 1 / 3, 2 / 3, 1], size=8)
        worth[np.argmin(np.diff(shots, axis=1))] = 1  # one that matters fits
        importance = np.repeat(worth, np.diff(shots, axis=1)[:, 0])
        share = float(rng.uniform(0.3, 1))
        chosen = select_shots(importance, shots, share)
        inclusive = shots - [0, 1]
        steps = np.arange(ends[-1])
        expected = summarize(importance, inclusive, ends[-1], steps, share)
        assert chosen.nonzero()[0].tolist() == expected.shots
        assert worth[chosen].all()
        with_room += np.diff(shots, axis=1)[~chosen].min(initial=99) <= (
            share * ends[-1] - np.diff(shots, axis=1)[chosen].sum()
        )
    assert with_room > 5
