"""Finds which of many files do not exist by listing their folders."""

from __future__ import annotations

import os
from collections.abc import Iterable

FEW = 8  # so many files of a folder are looked up one by one
# The listing of a folder stops after this many entries for each file asked for.
OTHERS = 8


def missing_files(paths: Iterable[str]) -> set[str]:
    """The paths that ``os.path.isfile`` says no to.

    It asks for each file on its own, which takes most of the time where there are many.
    A folder's listing tells all of its files. What is not in it is asked for all the
    same: some file systems know a file by more than one name.

    Args:
        paths: Of files.
    """
    folders: dict[str, list[str]] = {}
    for path in paths:
        end = path.rfind("/") + 1
        folders.setdefault(path[:end], []).append(path[end:])
    missing = set()
    for folder, names in folders.items():
        found = _listed_files(folder, len(names)) if len(names) > FEW else ()
        for name in names:
            if name not in found:
                path = folder + name
                if not os.path.isfile(path):
                    missing.add(path)
    return missing


def _listed_files(folder: str, asked: int) -> set[str]:
    """Names of files in a folder: some if it is very full, none if it is no folder.

    Args:
        folder: Path of the folder.
        asked: How many files of it are looked for.
    """
    names = set()
    try:
        with os.scandir(folder or os.curdir) as entries:
            for count, entry in enumerate(entries):
                if count > OTHERS * asked:
                    break
                if entry.is_file():
                    names.add(entry.name)
    except (OSError, ValueError):  # such as a folder that may be entered but not listed
        pass
    return names
