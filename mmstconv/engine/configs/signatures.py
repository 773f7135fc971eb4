"""What registered classes take, by the name that configs call them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import cached_property
from typing import NamedTuple

from mmaction import registry as mmaction_registry
from mmengine.registry import Registry
from mmengine.registry import root as mmengine_registry

from ...importing import put_together
from ...light_start import found_alone


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


class Registered(Mapping):
    """All that MMEngine, MMAction2 and this package have registered, by name.

    What is asked for by its name is imported alone, if it can be.
    """

    def __getitem__(self, name: str) -> list[Callable]:
        alone = [found_alone(one, name) for one in _registries()]
        return [part for part in alone if part] or self.all[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.all)

    def __len__(self) -> int:
        return len(self.all)

    @cached_property
    def all(self) -> dict[str, list[Callable]]:
        put_together()
        found: dict[str, list[Callable]] = {}
        for one in _registries():
            # MMAction2 names a package of its own that does not exist
            with suppress(ImportError):
                one.import_from_location()
            for name, part in one.module_dict.items():
                found.setdefault(name, []).append(part)
        return found


def _registries() -> list[Registry]:
    modules = (mmaction_registry, mmengine_registry)
    values = [one for module in modules for one in vars(module).values()]
    return [one for one in values if isinstance(one, Registry)]


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
