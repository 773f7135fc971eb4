"""A start that imports, of MMAction2, MMEngine and this package, what a config names.

MMEngine's registries import all that may be registered at their first look-up, and
``mmengine.model`` imports everything that trains in parallel. A command that runs a
model on the user's files needs a few modules of all these.
"""

from __future__ import annotations

import sys
from contextlib import suppress

from .importing import after_import, imported_from, put_together, take_apart
from .private_names import locations_of

PACKAGES = ("mmaction", "mmcv", "mmengine", "mmstconv")


def import_what_is_named() -> None:
    """To be called before the packages are imported.

    A name that is found nowhere alone imports everything, as it would without this. In
    a process that has imported MMEngine nothing changes.
    """
    if "mmengine" in sys.modules:
        return
    take_apart(PACKAGES)
    after_import("mmengine.registry.registry", _look_up_one_by_one)


def _look_up_one_by_one() -> None:
    from mmengine.registry.registry import Registry

    look_up = Registry.get

    def get(self, key: str) -> type | None:
        found = found_alone(self, key)
        if found is None:
            put_together()
            found = look_up(self, key)
        return found

    Registry.get = get


def found_alone(registry, key: str) -> type | None:
    """What a registry or those above it have by a name, once its module is imported."""
    while registry is not None:
        if key not in registry.module_dict:
            with suppress(ImportError):  # MMAction2 names a package that is not there
                any(imported_from(place, key) for place in locations_of(registry))
        if key in registry.module_dict:
            return registry.module_dict[key]
        registry = registry.parent
    return None
