"""Checks many files, goes on where an earlier run ended, and writes what was found."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import NamedTuple

from ...disk import own_file, refuse_foreign, write_own
from ...media.checking.file_check import FileCheck
from ..check import check_files
from .duplicates import Duplicates, duplicates
from .journal import CheckJournal
from .leaks import Leak, find_leaks
from .lists import FileList
from .table import csv_text, rows_of

TABLE, FIGURES, CLEAN = "files.csv", "files.png", "clean"


class Found(NamedTuple):
    """What was found.

    Args:
        checks: In the order of the files.
        groups: Duplicates among them.
        leaks: What lists share.
    """

    checks: list[FileCheck]
    groups: list[Duplicates]
    leaks: list[Leak]


class Plan(NamedTuple):
    """What a run is going to do.

    Args:
        known: What earlier runs have found in files that are still the same.
        left: Files to read.
    """

    known: list[FileCheck]
    left: list[Path]

    @property
    def size(self) -> int:
        """Bytes to read."""
        return sum(path.stat().st_size for path in self.left if path.is_file())


def plan(files: Sequence[Path], journal: CheckJournal | None) -> Plan:
    """Which of the files are known."""
    known, left = [], []
    for path in files:
        check = journal and journal.known(path)
        (left if check is None else known).append(path if check is None else check)
    return Plan(known, left)


def run(
    files: Sequence[Path],
    lists: Sequence[FileList] = (),
    journal: CheckJournal | None = None,
    *,
    full: bool = False,
    workers: int | None = None,
    read: Callable[[Plan], Iterator[FileCheck]] | None = None,
    shown: Callable[[Iterator[FileCheck], Plan], Iterator] = lambda done, plan: done,
) -> Found:
    """Reads what is not known; each file is in the journal when it is done.

    Args:
        files: Which to check.
        lists: Those that name them.
        journal: Of a folder; None notes nothing.
        full: Whether every frame is decoded.
        workers: As of :func:`~mmstconv.apis.check.check_files`.
        read: Gives the checks of what is not known; None: ``check_files``.
        shown: Puts a progress bar around the checks of what is read.
    """
    planned = plan(files, journal)
    checks = {check.path: check for check in planned.known}
    with journal.at_work() if journal else nullcontext():
        done = read(planned) if read else check_files(planned.left, workers, full)
        for check in shown(journal.noted(done) if journal else done, planned):
            checks[check.path] = check
    ordered = [checks[path] for path in files]
    groups = duplicates(ordered)
    return Found(ordered, groups, find_leaks(lists, groups))


def outputs(folder: Path, lists: Sequence[FileList]) -> dict[str, Path]:
    """``{what: path}`` of the files that :func:`write` makes; lists by their paths.

    Raises:
        ValueError: Two lists have one name.
    """
    places = {TABLE: folder / TABLE, FIGURES: folder / FIGURES}
    for one in lists:
        name = f"{CLEAN}.txt" if len(lists) == 1 else f"{CLEAN}-{one.path.name}"
        if folder / name in places.values():
            raise ValueError(
                f"{one.path}: another list has this name as well, and both would "
                f"become {folder / name}"
            )
        places[os.fspath(one.path)] = folder / name
    return places


def write(
    found: Found, folder: Path, lists: Sequence[FileList], bad: set[Path]
) -> list[Path]:
    """Writes the table, the figures, and each list without bad files.

    Args:
        found: By :func:`run`.
        folder: Where to; it is there.
        lists: Which named the files.
        bad: Files that are left out of the lists.

    Returns:
        What was written.

    Raises:
        ForeignFile: There are other files of these names; nothing was written.
    """
    from .figures import draw_checks  # matplotlib: takes a second

    places = outputs(folder, lists)
    refuse_foreign(places.values())
    write_own(places[TABLE], csv_text(rows_of(found.checks, found.groups)))
    with own_file(places[FIGURES]) as part:
        draw_checks(found.checks).savefig(part, dpi=100, format="png")
    for one in lists:
        write_own(places[os.fspath(one.path)], one.without(bad))
    return list(places.values())
