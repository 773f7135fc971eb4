"""Names of files that are being written: no two processes share one."""

from __future__ import annotations

import os
import re
import shutil
import socket
from collections.abc import Iterable
from pathlib import Path

SUFFIX = ".unfinished"
LONGEST = 40  # letters kept of a name: a file system takes 255 bytes in all
NAME = re.compile(r"\..+\.(?P<host>[^.]+)\.(?P<process>\d+)" + re.escape(SUFFIX), re.S)


def unfinished_path(path: str | os.PathLike, process: int | None = None) -> Path:
    """Where a process writes a file before it is whole: hidden, in the same folder.

    Args:
        path: What the file will be called.
        process: Id of the process on this machine; None is this one.
    """
    path = Path(path)
    process = os.getpid() if process is None else process
    name = f".{path.name[:LONGEST]}.{host()}.{process}{SUFFIX}"
    return path.with_name(name)


def remove_unfinished(folder: str | os.PathLike, *, below: bool = False) -> list[Path]:
    """Deletes what processes of this machine left that are gone.

    What a process writes that lives, or that ran on another machine, stays: nobody
    here can know that it is not needed.

    Args:
        folder: A folder; nothing happens if it cannot be read.
        below: Also in the folders in it. Links are not followed.

    Returns:
        The files and folders that were deleted.
    """
    removed = []
    for path in _files(folder, below):
        match = NAME.fullmatch(path.name)
        if not match or match["host"] != host() or _lives(int(match["process"])):
            continue
        try:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
        except OSError:
            continue
        removed.append(path)
    return removed


def host() -> str:
    """This machine's name as a part of a file name."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", socket.gethostname())[:LONGEST] or "_"


def _files(folder: str | os.PathLike, below: bool) -> Iterable[Path]:
    for where, folders, names in os.walk(folder):
        yield from (Path(where, name) for name in (*names, *folders))
        if not below:
            folders.clear()


def _lives(process: int) -> bool:
    """Whether another process of this id is there."""
    if process == os.getpid():  # it does not write now: it asks
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # of another user; or never a process
        return True
    return True
