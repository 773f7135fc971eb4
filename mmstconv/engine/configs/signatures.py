"""What registered classes take, by the name that configs call them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import NamedTuple

from mmaction import registry as mmaction_registry
from mmengine import registry as mmengine_registry
from mmengine.registry import Registry


class Takes(NamedTuple):
    """Arguments of what a name stands for.

    Args:
        names: That its constructor takes.
        no_others: Whether it is a part of ours that takes no others.
    """

    names: frozenset[str]
    no_others: bool


SCOPES = ("", "mmstconv", "mmaction", "mmengine")
GATHERING = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def registered() -> dict[str, list[Callable]]:
    """All that MMEngine, MMAction2 and this package have registered."""
    found: dict[str, list[Callable]] = {}
    for module in (mmaction_registry, mmengine_registry):
        for one in vars(module).values():
            if isinstance(one, Registry):
                # MMAction2 names a package of its own that does not exist
                with suppress(ImportError):
                    one.import_from_location()
                for name, part in one.module_dict.items():
                    found.setdefault(name, []).append(part)
    return found


def arguments_of(name: str, known: Mapping[str, list[Callable]]) -> Takes | None:
    """Of one of ``known``; None if it is none.

    One name may stand in several registries: what any of them takes counts.
    """
    scope, _, name = name.rpartition(".")
    parts = known.get(name) if scope in SCOPES else None
    if not parts:
        return None
    each = [_arguments(part) for part in parts]
    names = frozenset().union(*(names for names, _ in each))
    return Takes(names, all(no_others for _, no_others in each))


def _arguments(part: Callable) -> tuple[set[str], bool]:
    """Names that it takes, up the classes it hands on to, and whether those are all.

    Only of our own parts is that sure: others may take ``**kwargs`` for themselves, and
    configs give them arguments that nobody takes.
    """
    constructors = [part]
    if inspect.isclass(part):
        above = (vars(one).get("__init__") for one in part.__mro__)
        constructors = [one for one in above if one not in (None, object.__init__)]
    names: set[str] = set()
    for constructor in constructors:
        try:
            parameters = inspect.signature(constructor).parameters.values()
        except (TypeError, ValueError):  # written in C
            return names, False
        names |= {one.name for one in parameters if one.kind not in GATHERING}
        if not any(one.kind is one.VAR_KEYWORD for one in parameters):
            return names - {"self"}, str(part.__module__).startswith("mmstconv.")
    return names - {"self"}, False
