"""What was found in earlier runs, so that only new and changed files are read."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ...disk import ForeignFile, journal_lines, only_writer, state_of
from ...media.checking.file_check import FileCheck, Sound

NAME = "checked"
FORM = {"mmstconv check": 1}  # raise it whenever the same file gives another answer


class CheckJournal:
    """A line for each file that was checked.

    Several processes that check shares of the files have a journal each, in one folder;
    all read all.

    Args:
        path: Of it; its name begins with :data:`NAME` and ends in ``.jsonl``.
        full: Whether files are decoded whole; what was found in a few windows does not
            do then.

    Raises:
        ForeignFile: A file of the journal's name is something else.
    """

    def __init__(self, path: Path, full: bool) -> None:
        self.path, self.full = path, full
        self.done: dict[str, list] = {}
        self.before: dict[Path, list[int] | None] = {}  # of files to read, by state_of
        for path in sorted(self.path.parent.glob(f"{NAME}*.jsonl")):
            form, *lines = journal_lines(path) or [FORM]
            if form == FORM:
                self.done.update((line[0], line[1:]) for line in lines)
            elif path == self.path:
                raise ForeignFile(
                    f"{path} is there and is of another program or version: move or "
                    "delete it, or give another --out"
                )

    def known(self, path: Path) -> FileCheck | None:
        """What was found in a file, if it is still the same."""
        state, full, found = self.done.get(os.fspath(path), (None, False, {}))
        now = state_of(path)
        if state is None or state != now or self.full > full:
            self.before[path] = now
            return None
        return check_of(path, found)

    @contextmanager
    def at_work(self) -> Iterator[CheckJournal]:
        """For this process alone."""
        with only_writer(self.path) as self._file:
            if os.fstat(self._file.fileno()).st_size == 0:
                self._note(FORM)
            yield self

    def noted(self, checks: Iterable[FileCheck]) -> Iterator[FileCheck]:
        """The checks, each on disk before it is given on.

        What could not be read at all may be readable the next time, and is not noted.
        What changes while it is read, as a copy under way, is noted as it was before.
        """
        for check in checks:
            state = self.before.pop(check.path, None)
            if check.digest is not None and state is not None:
                found = [os.fspath(check.path), state, self.full, as_json(check)]
                self._note(found)
            yield check

    def _note(self, line: object) -> None:
        self._file.write(json.dumps(line).encode() + b"\n")


def as_json(check: FileCheck) -> dict:
    """What was found, but for the path, of JSON's types."""
    found = check._asdict()
    del found["path"]
    return found


def check_of(path: Path, found: dict) -> FileCheck:
    """What :func:`as_json` gave, or JSON kept of it."""
    sound = found["sound"] and Sound(*found["sound"])
    return FileCheck(path, **dict(found, sound=sound))
