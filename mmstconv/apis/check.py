"""Checking files before a training: with the reader that trains, in processes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

from ..cores import loader_workers
from ..disk import file_workers
from ..media.checking.check_file import check_file
from ..media.checking.file_check import FileCheck, Sound
from .checking.duplicates import Duplicates, duplicates

__all__ = ["Duplicates", "FileCheck", "Sound", "check_files", "duplicates"]

PATIENCE = 600.0  # seconds by the clock that a file may take
PER_MEGABYTE = 2.0  # and more seconds, for a large one


def check_files(
    paths: Iterable[str | os.PathLike], workers: int | None = None, full: bool = False
) -> Iterator[FileCheck]:
    """What each file holds and what is wrong with it, as soon as it is known.

    A file on which the decoder crashes or hangs costs its process; another goes on
    with the rest, and the file's ``error`` says so.

    Args:
        paths: Of files.
        workers: Processes; None is one a core, 0 works in this process.
        full: Whether every frame is decoded; else a few windows are.

    Yields:
        A check for each path, in the order in which they are done.
    """
    paths = [Path(path) for path in paths]
    work = partial(check_file, full=full)
    workers = loader_workers() if workers is None else workers
    for done in file_workers.run(paths, work, workers, lambda *_: None, _patience):
        if done.answer is not None:
            yield done.answer
        elif done.is_late:
            seconds = _patience(done.job)
            yield FileCheck(done.job, f"was not read within {seconds:.0f} s")
        else:
            yield FileCheck(done.job, done.death)


def _patience(path: Path) -> float:
    try:
        return PATIENCE + PER_MEGABYTE * path.stat().st_size / 1e6
    except OSError:
        return PATIENCE
