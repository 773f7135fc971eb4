"""Folders of many files that are written whole, and belong to who wrote them.

The record of :mod:`.own` has one line for such a folder, not one for each file.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .own import ForeignFile, note, recorded, say_where
from .unfinished import unfinished_path


def is_own_folder(path: str | os.PathLike, record: str | os.PathLike) -> bool:
    """Whether a folder is as it was written here: the same names, sizes and times.

    Args:
        path: Of the folder. A link is never own.
        record: Folder that knows what was written here.
    """
    path = Path(path)
    if path.is_symlink() or not path.is_dir():
        return False
    known = recorded(path, record)
    return bool(known) and _state(path) in known


@contextmanager
def own_folder(path: str | os.PathLike, record: str | os.PathLike) -> Iterator[Path]:
    """Writes a folder whole or not at all, and never over one that is not own.

    Args:
        path: Of the folder; those above it are made.
        record: Folder that knows what was written here.

    Yields:
        An empty folder to fill with files; it moves to ``path`` when the block ends
        without an error.

    Raises:
        ForeignFile: There is something else of that name.
    """
    path = Path(path)
    _refuse(path, record)
    part = unfinished_path(path)
    shutil.rmtree(part, ignore_errors=True)  # of a process of this id, which is gone
    part.mkdir(parents=True)
    try:
        yield part
        note(path, record, _state(part))
        _refuse(path, record)
        shutil.rmtree(path, ignore_errors=True)
        os.rename(part, path)  # never onto a folder that holds something
    except OSError as error:
        say_where(error, path)
        raise
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _refuse(path: Path, record: str | os.PathLike) -> None:
    if os.path.lexists(path) and not is_own_folder(path, record):
        raise ForeignFile(
            f"{path} is there and was not written by this tool, or was changed since: "
            "move or delete it, or write to another place"
        )


def _state(folder: Path) -> str:
    """How many files it has, their bytes, and when the last of them was written."""
    found = [entry.stat(follow_symlinks=False) for entry in os.scandir(folder)]
    newest = max((one.st_mtime_ns for one in found), default=0)
    return f"folder of {len(found)}: {sum(one.st_size for one in found)} {newest}"
