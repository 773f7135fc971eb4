"""A check over a list fails with all that fail, and only with those."""

from __future__ import annotations

import pytest
import torch
from models.for_each import for_each

seen = []


@for_each("a, b", [(1, 2), (3, 4)])
@for_each("c", [5, 6])
def test_sees_every_combination_and_fixtures(tmp_path, a, b, c):
    assert tmp_path.is_dir()
    seen.append((a, b, c, torch.rand(1).item()))
    if (a, c) == (3, 6):
        assert [case[:3] for case in seen] == [
            (1, 2, 5), (1, 2, 6), (3, 4, 5), (3, 4, 6)
        ]  # fmt: skip
        assert len({case[3] for case in seen}) == 1  # one seed


def test_names_the_culprits():
    @for_each("a", [1, 2, 3])
    @for_each("b", [0, 1])
    def check(a, b):
        with pytest.raises(ZeroDivisionError):
            a / b if a > 1 else 1 / 0
        assert a < 3, "too large"

    with pytest.raises(AssertionError) as error:
        check()
    message = str(error.value)
    assert "'a': 1" not in message
    for part in ("'a': 2", "'b': 1}: Failed: DID NOT RAISE", "'a': 3", "too large"):
        assert part in message
