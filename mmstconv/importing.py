"""Acts after imports of other packages, and packages that are imported name by name.

Importing this package imports no other: what it changes in MMEngine and MMAction2 is
changed when they are imported (:func:`after_import`).

Packages like ``mmengine.model`` or ``mmaction.models`` import all of their modules to
offer their names in one place, which takes seconds. A command that wants a few of these
names takes them apart (:func:`take_apart`): a name then imports the module that it is
in. Any other question to such a package imports it whole, as without this module. One
that imports modules for what they do, and not for names, is never taken apart.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache, partial
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, resolve_name
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType


class Watcher:
    """A finder of modules that adds to what the others' loaders do."""

    def __init__(self) -> None:
        self.actions: dict[str, list[Callable[[], None]]] = {}
        self.apart: frozenset[str] = frozenset()
        self.parts: dict[str, Apart] = {}

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: object = None
    ) -> ModuleSpec | None:
        apart = name.partition(".")[0] in self.apart
        if not apart and name not in self.actions:
            return None
        spec = found_by_others(self, name, path, target)
        if spec is None or spec.loader is None:
            return spec
        execute = spec.loader.exec_module

        def execute_and_act(module: ModuleType) -> None:
            package = spec.submodule_search_locations and spec.origin
            if apart and package and not imports_for_effect(Path(spec.origin)):
                self.parts[name] = Apart(module, execute)
            else:
                execute(module)
            for act in self.actions.pop(name, ()):
                act()

        spec.loader.exec_module = execute_and_act
        return spec


def found_by_others(watcher: Watcher, name: str, path, target) -> ModuleSpec | None:
    """What the other finders find."""
    for finder in sys.meta_path:
        find = getattr(finder, "find_spec", None)
        spec = find(name, path, target) if find and finder is not watcher else None
        if spec is not None:
            return spec
    return None


class Apart:
    """A package whose ``__init__`` has not run: it finds names in their modules.

    Args:
        module: The package, empty.
        execute: Imports it whole.
    """

    def __init__(self, module: ModuleType, execute: Callable) -> None:
        self.module = module
        self.execute = execute
        self.places = places_of(module.__name__, Path(module.__spec__.origin))
        module.__class__ = Gathering
        module.__getattr__ = self.find
        module.__dir__ = partial(self.whole, dir)

    def find(self, name: str) -> object:
        """A name of the package; an unknown one imports it whole."""
        place = self.places.get(name)
        if place is not None:
            value = getattr(import_module(place), name)
            setattr(self.module, name, value)
            return value
        inner = f"{self.module.__name__}.{name}"
        if not name.startswith("__") and find_spec(inner) is not None:
            return import_module(inner)
        return self.whole(getattr, name)

    def whole(self, ask: Callable, *arguments: object) -> object:
        """What the package answers to a question once it is whole."""
        self.put_together()
        return ask(self.module, *arguments)

    def put_together(self) -> None:
        """Import the package as it is imported without this module."""
        if vars(self.module).pop("__getattr__", None):
            try:
                del self.module.__dir__
                self.execute(self.module)
                self.module.__class__ = ModuleType
            except BaseException:  # the next question fails in the same way
                self.module.__getattr__ = self.find
                self.module.__dir__ = partial(self.whole, dir)
                raise


class Gathering(ModuleType):
    """A package taken apart, in which a name of a module's own is not the module."""

    def __setattr__(self, name: str, value: object) -> None:
        part = WATCHER.parts.get(self.__name__)  # it is told of modules by the import
        if isinstance(value, ModuleType) and part is not None:
            if part.places.get(name) == value.__name__:
                value = getattr(value, name)
        super().__setattr__(name, value)


def imports_for_effect(init: Path) -> bool:
    """Whether a package imports modules of its own (``from . import``).

    They may make themselves known to others, which no name tells.
    """
    return any(
        isinstance(node, ast.ImportFrom) and node.level == 1 and not node.module
        for node in ast.parse(init.read_bytes()).body
    )


@cache
def places_of(package: str, init: Path) -> dict[str, str]:
    """``{name: module}`` of what a package's ``__init__`` takes from its modules.

    Args:
        package: Its name.
        init: The file. Statements inside others are left out, and names of modules
            that are no packages and whose names are not spelled (``import *``).
    """
    places = {}
    for node in ast.parse(init.read_bytes()).body:
        if not isinstance(node, ast.ImportFrom) or not node.level or not node.module:
            continue
        place = resolve_name("." * node.level + node.module, package)
        for alias in node.names:
            if alias.name != "*":
                if alias.asname in (None, alias.name):
                    places[alias.name] = place
                continue
            inner = init.parent.joinpath(*node.module.split("."), "__init__.py")
            if node.level == 1 and inner.is_file():
                places.update(places_of(place, inner))
    return places


WATCHER = Watcher()


def after_import(name: str, act: Callable[[], None]) -> None:
    """Act when a module has been imported; at once if it is there already.

    Whoever imports it sees what the act has changed. It happens once.

    Args:
        name: Of the module.
        act: May import the module.
    """
    if WATCHER not in sys.meta_path:
        sys.meta_path.insert(0, WATCHER)
    if name in sys.modules:
        act()
    else:
        WATCHER.actions.setdefault(name, []).append(act)


def take_apart(packages: Sequence[str]) -> None:
    """Let packages, and those in them, be imported name by name from now on.

    Args:
        packages: Their names, without dots.
    """
    if WATCHER not in sys.meta_path:
        sys.meta_path.insert(0, WATCHER)
    WATCHER.apart = frozenset(packages)


def imported_from(package: str, name: str) -> bool:
    """Import the module that has a name of a package that was taken apart.

    Others below the package are not imported while it is looked for.

    Returns:
        Whether the ``__init__`` of the package, or of one below it, says where it is.
    """
    if package.partition(".")[0] not in WATCHER.apart:
        return False
    spec = find_spec(package)
    folders = spec and spec.submodule_search_locations
    if not folders:  # it is a module, or not there
        import_module(package)
        return False
    if name in places_of(package, Path(spec.origin)):
        return hasattr(import_module(package), name)
    below = [one.name for one in iter_modules(folders) if one.ispkg]
    return any(imported_from(f"{package}.{one}", name) for one in below)


def put_together() -> None:
    """Import what was taken apart whole, and take nothing apart any more.

    A package that cannot be imported, needing what is not installed or refusing what
    is, fails when it is asked, not here: nobody may ask.
    """
    WATCHER.apart = frozenset()
    while WATCHER.parts:
        with suppress(Exception):
            WATCHER.parts.popitem()[1].put_together()
