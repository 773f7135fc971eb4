from __future__ import annotations

from itertools import combinations, permutations

import numpy as np
import pytest

from mmstconv.evaluation import shapley_values

PLAYERS = ("rgb", "flow", "audio", "depth")


def all_sets(players):
    return [
        own for size in range(len(players) + 1) for own in combinations(players, size)
    ]


def random_game(players, seed=0):
    rng = np.random.default_rng(seed)
    return {own: rng.normal() for own in all_sets(players)}


def average_over_orders(game, players):
    """The definition itself: what a player adds when it comes in, in each order."""
    worth = {frozenset(own): value for own, value in game.items()}
    values = dict.fromkeys(players, 0.0)
    orders = list(permutations(players))
    for order in orders:
        for place, player in enumerate(order):
            before = frozenset(order[:place])
            values[player] += (worth[before | {player}] - worth[before]) / len(orders)
    return values


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_average_over_all_orders(count, seed):
    players = PLAYERS[:count]
    game = random_game(players, seed)
    values = shapley_values(game)
    assert values == pytest.approx(average_over_orders(game, players), abs=1e-12)


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_efficiency(count):
    game = random_game(PLAYERS[:count])
    total = sum(shapley_values(game).values())
    assert total == pytest.approx(game[PLAYERS[:count]] - game[()], abs=1e-12)


def test_symmetry():
    """Two players of whom each can stand for the other get the same."""
    rng = np.random.default_rng(0)
    by_counts = rng.normal(size=(3, 2))
    game = {
        own: by_counts[len({"rgb", "flow"} & set(own)), int("audio" in own)]
        for own in all_sets(PLAYERS[:3])
    }
    values = shapley_values(game)
    assert values["rgb"] == pytest.approx(values["flow"], abs=1e-12)
    assert values["rgb"] != pytest.approx(values["audio"], abs=1e-3)


def test_dummy_player():
    """Who always adds the same gets exactly that."""
    others = random_game(PLAYERS[:2])
    game = {**others, **{(*own, "audio"): others[own] + 0.25 for own in others}}
    assert shapley_values(game)["audio"] == pytest.approx(0.25, abs=1e-12)


def test_many_games_at_once():
    """Arrays are as many games, and their values are linear in the worths."""
    rng = np.random.default_rng(0)
    games = {own: rng.normal(size=5) for own in all_sets(PLAYERS[:3])}
    values = shapley_values(games)
    third = shapley_values({own: worth[3] for own, worth in games.items()})
    mean = shapley_values({own: worth.mean() for own, worth in games.items()})
    for player, value in values.items():
        assert value.shape == (5,)
        assert value[3] == pytest.approx(third[player])
        assert value.mean() == pytest.approx(mean[player])


def test_order_of_names_does_not_matter():
    game = random_game(PLAYERS[:3])
    turned = {own[::-1]: value for own, value in reversed(game.items())}
    assert shapley_values(turned) == shapley_values(game)


def test_a_missing_set_is_named():
    game = random_game(PLAYERS[:3])
    del game["rgb", "audio"]
    with pytest.raises(ValueError, match=r"\['audio', 'rgb'\] is missing"):
        shapley_values(game)
