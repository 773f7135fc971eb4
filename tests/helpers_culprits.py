"""One test for a list of cases that names those which fail."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest


def culprits(check: Callable, cases: Iterable[tuple]) -> list[str]:
    """Runs a check on every case; the failures, each with its case.

    Args:
        check: Raises if a case is not as it should be.
        cases: Arguments of the check.

    Example:
        >>> assert culprits(check_opens, product(NAMES, READERS)) == []
    """
    found, cases = [], list(cases)
    assert cases, "there is nothing to check"
    for case in cases:
        try:
            check(*case)
        except (Exception, pytest.fail.Exception) as error:
            name = ", ".join(f"{value!r:.60}" for value in case)
            found.append(f"{name}: {type(error).__name__}: {error}")
    return found
