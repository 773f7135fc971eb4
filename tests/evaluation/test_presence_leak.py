"""What presence alone says of the class, where the figures are known by formula."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mmstconv.evaluation.presence_leak import presence_leak


def entropy(*shares):
    return -sum(share * math.log2(share) for share in shares if share)


def test_presence_that_tells_the_group_of_classes():
    """Ten equal classes, four of them with sound, as in UCF101."""
    labels = np.repeat(np.arange(10), 30)
    leak = presence_leak(labels < 4, labels)
    assert leak.samples == 300
    assert leak.chance == pytest.approx(1 / 10)
    assert leak.accuracy == pytest.approx(2 / 10)  # one class of each group
    assert leak.bits == pytest.approx(entropy(0.4, 0.6))
    assert leak.p_value < 0.01


def test_presence_that_tells_the_class():
    labels = np.repeat([0, 1, 2, 3], [10, 10, 10, 10])
    patterns = [(label & 1, label >> 1) for label in labels]
    leak = presence_leak(patterns, labels)
    assert leak.accuracy == 1.0 and leak.chance == 0.25
    assert leak.bits == pytest.approx(2.0)


def test_presence_that_tells_a_part():
    """Sound in 9 of 10 files of one class and in 6 of 10 of the other."""
    labels = np.repeat([0, 1], 100)
    here = np.concatenate([np.arange(100) < 90, np.arange(100) < 60])
    leak = presence_leak(here, labels)
    assert leak.accuracy == pytest.approx((90 + 40) / 200)
    assert leak.chance == 0.5
    information = entropy(0.75, 0.25) - (entropy(0.9, 0.1) + entropy(0.6, 0.4)) / 2
    assert leak.bits == pytest.approx(information)
    assert leak.p_value < 0.01


def test_presence_that_tells_nothing():
    labels = np.repeat([5, 7], 40)
    leak = presence_leak(np.tile([True, False], 40), labels)
    assert (leak.accuracy, leak.chance) == (0.5, 0.5)
    assert leak.bits == pytest.approx(0.0, abs=1e-12)
    assert leak.p_value > 0.5
    everywhere = presence_leak(np.ones(80), labels)
    assert (everywhere.bits, everywhere.p_value) == (0.0, 1.0)


def test_many_classes_and_few_samples_say_something_by_accident():
    """Which is not more than chance: in one of twenty tries at most, or nearly so."""
    rng = np.random.default_rng(3)
    tries = [
        presence_leak(rng.random(200) < 0.6, rng.integers(0, 80, 200))
        for _ in range(40)
    ]
    assert min(leak.bits for leak in tries) > 0.15
    assert sum(leak.p_value <= 0.05 for leak in tries) <= 6


def test_the_generators_of_the_training_are_left_alone():
    np.random.seed(1)
    before = np.random.get_state()[1].copy()
    presence_leak([True, False] * 10, [0, 1] * 10)
    assert (np.random.get_state()[1] == before).all()


def test_nothing_to_compare():
    with pytest.raises(ValueError, match="no samples"):
        presence_leak([], [])
