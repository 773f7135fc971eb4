"""The helpers of tests that a test relies on to fail."""

from __future__ import annotations

import pytest
from helpers_culprits import culprits


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
