"""One test for a list of cases that names those which fail."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable

import pytest
import torch


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


def for_each(names: str, values: Iterable) -> Callable:
    """Like ``pytest.mark.parametrize``, but one test that names all that fail.

    Decorators on top of each other run the check on every combination. Each starts
    from one seed.

    Args:
        names: Of the arguments, separated by commas.
        values: What they are; tuples, if there are several.
    """
    names = [name.strip() for name in names.split(",")]
    cases = [value if len(names) > 1 else (value,) for value in values]

    def wrap(check: Callable) -> Callable:
        def test(**given) -> None:
            def run(*case) -> None:
                torch.manual_seed(0)
                check(**dict(zip(names, case)), **given)

            found = culprits(run, cases)
            assert not found, "\n".join(found)

        signature = inspect.signature(check)
        arguments = signature.parameters.items()
        others = [one for name, one in arguments if name not in names]
        test.__signature__ = signature.replace(parameters=others)
        test.__name__, test.__doc__ = check.__name__, check.__doc__
        test.__module__ = check.__module__
        return test

    return wrap
