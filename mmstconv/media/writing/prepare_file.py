"""Prepares one video in a process that may die of it, and says what came of it."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import NamedTuple

from ...disk import file_workers, unfinished_path

# The machine's fault, not the file's: the next one would fail as well.
MACHINE = {errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.EROFS}


class Job(NamedTuple):
    """A file to re-encode; paths are below the folders given, with slashes."""

    source: str
    target: str


class Outcome(NamedTuple):
    """What came of a job.

    Args:
        source: Size and time of change of the source, before it was read.
        size: Of the target in bytes; None if it failed.
        reason: Why it failed.
        damage: What was found broken in a file that was used all the same.
        ends_run: Whether others would fail for the same reason.
    """

    source: tuple[int, int] | None
    size: int | None = None
    reason: str = ""
    damage: tuple[str, ...] = ()
    ends_run: bool = False


def prepare_file(job: Job, root: str, out: str, form, timeout: float | None) -> Outcome:
    """Re-encodes one file; an error is part of the outcome."""
    from .preparing import prepare_media  # takes long to import

    source, target = Path(root, job.source), Path(out, job.target)
    state = None
    try:
        state = state_of(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        damage = prepare_media(source, target, form, timeout=timeout, record=out)
        return Outcome(state, target.stat().st_size, damage=damage)
    except Exception as error:
        reason = str(error) or type(error).__name__
        reason = reason.removeprefix(f"{source}: ")
        return Outcome(state, reason=reason, ends_run=is_of_the_machine(error))


def outcome_of(done: file_workers.Done, root: str | os.PathLike) -> Outcome:
    """What came of a job that has ended, also by the death of its process.

    Raises:
        ValueError: The machine cannot go on.
    """
    found = done.answer or Outcome(None, reason=done.death)
    if found.ends_run:
        raise ValueError(f"{Path(root, done.job.source)}: {found.reason}")
    return found


def clean_up(out: str | os.PathLike, job: Job, process: int) -> None:
    """Deletes what a process has left that was ended within a job."""
    unfinished_path(Path(out, job.target), process).unlink(missing_ok=True)


def state_of(path: Path) -> tuple[int, int]:
    """Size and time of change."""
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def is_of_the_machine(error: BaseException | None) -> bool:
    while error is not None:
        if getattr(error, "errno", None) in MACHINE:
            return True
        error = error.__cause__
    return False
