"""Writes files that are whole or not there, whenever a process or a disk fails."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

from mmengine.fileio import LocalBackend, register_backend

from ..disk import unfinished_path


def write_whole(path: str | os.PathLike, content: bytes) -> None:
    """Write a file, or leave what stood there.

    The content goes to a temporary name beside it, which no other process uses, and to
    the disk (``fsync``), then the file is renamed, which a file system does at once or
    not at all.

    Raises:
        OSError: It could not be written; names the file, the reason, and how much
            space was needed and is free.
    """
    path = Path(path)
    part = unfinished_path(path)
    try:
        part.unlink(missing_ok=True)  # of a process of this id, which is gone
        with open(part, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException as error:
        with suppress(OSError):
            part.unlink()
        if not isinstance(error, OSError):
            raise
        raise OSError(
            error.errno,
            f"{path} was not written: {error.strerror} "
            f"({len(content) / 1e6:.1f} MB needed, {_free(path.parent)})",
        ) from error
    with suppress(OSError):  # not every file system can do this with a folder
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _free(folder: Path) -> str:
    try:
        return f"{shutil.disk_usage(folder).free / 1e6:.1f} MB free"
    except OSError:
        return f"the folder {folder} cannot be read"


@register_backend("mmstconv")
class WholeFilesBackend(LocalBackend):
    """MMEngine's files on the disk: written whole, removed when it is time.

    MMEngine removes an outdated checkpoint before it writes the new one. What is to be
    removed is noted here instead, for :meth:`remove_outdated`.
    """

    def __init__(self) -> None:
        self.outdated: list[str] = []

    def put(self, obj: bytes, filepath: str | os.PathLike) -> None:
        folder = Path(filepath).parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OSError(
                error.errno,
                f"{filepath} was not written: the folder {folder} cannot be made "
                f"({error.strerror})",
            ) from error
        write_whole(filepath, obj)

    def remove(self, filepath: str | os.PathLike) -> None:
        self.outdated.append(os.fspath(filepath))

    def remove_outdated(self, *, keep: set[str | None]) -> None:
        """Remove what was to be removed, but not those that were written again."""
        for path in self.outdated:
            if path not in keep:
                with suppress(OSError):  # it only takes room
                    Path(path).unlink()
        self.outdated = []
