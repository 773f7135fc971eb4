"""Checks of the files of a folder, kept beside the lists."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..check import FileCheck
from ..checking.journal import NAME, CheckJournal
from ..checking.run import Plan, run


def checked(
    paths: Sequence[Path], out: Path, workers: int | None = None
) -> list[FileCheck]:
    """The check of each file, in order; those of earlier runs count.

    Args:
        paths: Of the files.
        out: Folder that checks are kept in, ``checked.jsonl``.
        workers: Processes; None is one a core, 0 works in this process.

    Raises:
        ForeignFile: There is another file of that name.
    """
    places = {path: Path(os.path.abspath(path)) for path in paths}
    journal = CheckJournal(out / f"{NAME}.jsonl", full=False)
    files = list(dict.fromkeys(places.values()))
    found = run(files, journal=journal, workers=workers, shown=_bar)
    checks = {check.path: check for check in found.checks}
    return [checks[places[path]]._replace(path=path) for path in paths]


def _bar(done: Iterator[FileCheck], planned: Plan) -> Iterator[FileCheck]:
    if not planned.left:
        return done
    from tqdm import tqdm

    first = len(planned.known)
    options = dict(total=first + len(planned.left), initial=first, desc="checking")
    if not sys.stderr.isatty():
        options["mininterval"] = 10  # a log wants few lines
    return tqdm(done, unit="file", **options)
