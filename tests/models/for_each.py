"""One test for a check that runs over a list."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable

import pytest
import torch


def for_each(names: str, values: Iterable) -> Callable:
    """Like ``pytest.mark.parametrize``, but one test that names all that fail.

    Decorators on top of each other run the check on every combination. Each starts
    from one seed.

    Args:
        names: Of the arguments, separated by commas.
        values: What they are; tuples, if there are several.
    """
    names, values = [name.strip() for name in names.split(",")], list(values)

    def wrap(check: Callable) -> Callable:
        def test(**given) -> None:
            culprits = []
            for value in values:
                case = dict(zip(names, value if len(names) > 1 else [value]))
                torch.manual_seed(0)
                try:
                    check(**case, **given)
                except (Exception, pytest.fail.Exception) as error:
                    culprits.append(f"{case}: {type(error).__name__}: {error}")
            assert not culprits, "\n".join(culprits)

        signature = inspect.signature(check)
        others = [
            one for name, one in signature.parameters.items() if name not in names
        ]
        test.__signature__ = signature.replace(parameters=others)
        test.__name__, test.__doc__ = check.__name__, check.__doc__
        test.__module__ = check.__module__
        return test

    return wrap
