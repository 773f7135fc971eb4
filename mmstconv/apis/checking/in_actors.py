"""Checking files in actors of Ray, on this machine or on a cluster."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from ...disk import state_of
from ...media.checking.file_check import FileCheck
from ..check import check_files
from ..parts import Item, run_parts
from .journal import as_json, check_of


class CheckWork(NamedTuple):
    """What actors do.

    Args:
        full: Whether every frame is decoded.
    """

    full: bool

    def start(self) -> Callable[[list[Item]], list[dict]]:
        return self.rows

    def rows(self, items: list[Item]) -> list[dict]:
        """A process of its own reads: a file may crash it, or take too long."""
        paths = [Path(item.path) for item in items]
        found = {one.path: as_json(one) for one in check_files(paths, 1, self.full)}
        return [found[path] for path in paths]


def check_by_ray(
    files: Sequence[Path],
    known: Sequence[FileCheck],
    folder: Path,
    *,
    full: bool = False,
    actors: int | None = None,
    size: int | None = None,
    warn: Callable[[str], None] = lambda text: None,
) -> Iterator[FileCheck]:
    """:func:`~mmstconv.apis.check.check_files` in actors of Ray, kept in parts.

    Args:
        files: All.
        known: Checks of some of them, which are not read again.
        folder: Of the parts.
        full: Whether every frame is decoded.
        actors: As of :func:`~mmstconv.apis.parts.run_parts`.
        size: The same.
        warn: The same.

    Yields:
        The check of each file that is not known, as soon as its part is written.
    """
    items = [Item(os.fspath(path), [state_of(path), full]) for path in files]
    rows = {os.fspath(one.path): as_json(one) for one in known}
    options = dict(size=size, actors=actors, known=rows, warn=warn)
    key = dict(command="check")
    for row in run_parts(folder, key, items, CheckWork(full).start, **options):
        path = Path(row.pop("path"))
        del row["stamp"]
        if os.fspath(path) not in rows:
            lost = row.pop("lost", False)
            yield FileCheck(path, row["error"]) if lost else check_of(path, row)
