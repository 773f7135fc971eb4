"""The helpers of tests that a test relies on to fail."""

from __future__ import annotations

import pytest
import torch
from helpers_culprits import culprits, for_each


def test_culprits_are_named():
    def is_small(number: int, limit: int) -> None:
        if number == 5:
            pytest.fail("five")
        assert number < limit

    found = culprits(is_small, [(1, 3), (4, 3), (2, 3), (5, 9)])
    assert [line.split(":")[:2] for line in found] == [
        ["4, 3", " AssertionError"],
        ["5, 9", " Failed"],
    ]
    with pytest.raises(AssertionError, match="nothing to check"):
        culprits(is_small, [])


seen = []


@for_each("a, b", [(1, 2), (3, 4)])
@for_each("c", [5, 6])
def test_a_check_for_each_sees_all_combinations_and_fixtures(tmp_path, a, b, c):
    assert tmp_path.is_dir()
    seen.append((a, b, c, torch.rand(1).item()))
    if (a, c) == (3, 6):
        assert [case[:3] for case in seen] == [
            (1, 2, 5), (1, 2, 6), (3, 4, 5), (3, 4, 6)
        ]  # fmt: skip
        assert len({case[3] for case in seen}) == 1  # one seed


def test_a_check_for_each_names_the_culprits():
    @for_each("a", [1, 2, 3])
    @for_each("b", [0, 1])
    def check(a, b):
        with pytest.raises(ZeroDivisionError):
            a / b if a > 1 else 1 / 0
        assert a < 3, "too large"

    with pytest.raises(AssertionError) as error:
        check()
    message = str(error.value)
    assert not message.startswith("1: ") and "\n1: Assert" not in message
    for part in ("2: Assert", "1: Failed: DID NOT RAISE", "3: Assert", "too large"):
        assert part in message
