"""Films that are in two lists: what is learned from one is no answer on the other."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

from .duplicates import Duplicates
from .lists import FileList


class Leak(NamedTuple):
    """What two lists share.

    Args:
        lists: The two.
        what: How the files are the same: ``'file'``, ``'content'``, ``'pictures'``, or
            ``'source'`` (their names say that they are parts of one film).
        paths: One of each list.
    """

    lists: tuple[Path, Path]
    what: str
    paths: tuple[Path, Path]


def find_leaks(lists: Sequence[FileList], groups: Sequence[Duplicates]) -> list[Leak]:
    """What each two lists share; of several files that are the same, one of each list.

    Args:
        lists: With different names.
        groups: Duplicates among their files.
    """
    if len(lists) < 2:
        return []
    paths = dict.fromkeys(one.path for each in lists for one in each.files)
    keys = {
        "file": {path: os.path.realpath(path) for path in paths},
        "content": _numbered(one.paths for one in groups if one.same_content),
        "pictures": _numbered(one.paths for one in groups if not one.same_content),
        "source": _sources(lists),
    }
    return [
        leak
        for first, second in combinations(lists, 2)
        for what, of in keys.items()
        for leak in _shared(first, second, what, of)
    ]


def _numbered(groups: Iterable[Sequence[Path]]) -> dict[Path, int]:
    """``{path: the number of its group}``."""
    return {path: n for n, group in enumerate(groups) for path in group}


def _sources(lists: Sequence[FileList]) -> dict[Path, str]:
    """The source of each file whose name tells it."""
    from ..init.sources import find_sources  # it checks files, as this does

    files = {one.path: one for each in lists for one in each.files}
    names = [one.name for one in files.values()]
    labels = [one.labels or (0,) for one in files.values()]
    classes = [""] * (1 + max(max(of) for of in labels))
    told = find_sources(names, labels, classes, [None] * len(names))
    return dict(zip(files, told.keys, strict=True)) if told.how else {}


def _shared(
    first: FileList, second: FileList, what: str, of: Mapping[Path, object]
) -> list[Leak]:
    """One leak for each key that files of both lists have."""
    there: dict[object, Path] = {}
    for one in second.files:
        if one.path in of:
            there.setdefault(of[one.path], one.path)
    found: dict[object, Leak] = {}
    for one in first.files:
        key = of.get(one.path)
        if key in there:
            pair = one.path, there[key]
            found.setdefault(key, Leak((first.path, second.path), what, pair))
    return list(found.values())
