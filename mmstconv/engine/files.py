"""Files that are whole or not there, whenever the process or the disk gives up."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

from mmengine.fileio import LocalBackend, register_backend

UNFINISHED = ".unfinished"


def write_whole(path: str | os.PathLike, content: bytes) -> None:
    """Write a file, or leave what stood there.

    The content goes to a temporary name beside it and to the disk (``fsync``), then
    the file is renamed, which a file system does at once or not at all.

    Raises:
        OSError: It could not be written; names the file, the reason, and how much
            space was needed and is free.
    """
    path = Path(path)
    part = path.with_name(path.name + UNFINISHED)
    try:
        with open(part, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException as error:
        with suppress(OSError):
            part.unlink()
        if not isinstance(error, OSError):
            raise
        free = shutil.disk_usage(path.parent).free
        raise OSError(
            error.errno,
            f"{path} was not written: {error.strerror} ({len(content) / 1e6:.1f} MB "
            f"needed, {free / 1e6:.1f} MB free)",
        ) from error
    with suppress(OSError):  # not every file system can do this with a folder
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def remove_unfinished(folder: str | os.PathLike) -> list[Path]:
    """Delete what processes left that were killed in :func:`write_whole`."""
    found = list(Path(folder).glob(f"*{UNFINISHED}"))
    for path in found:
        path.unlink()
    return found


@register_backend("mmstconv")
class WholeFilesBackend(LocalBackend):
    """MMEngine's files on the disk: written whole, removed when it is time.

    MMEngine removes an outdated checkpoint before it writes the new one. What is to be
    removed is noted here instead, for :meth:`remove_outdated`.
    """

    def __init__(self) -> None:
        self.outdated: list[str] = []

    def put(self, obj: bytes, filepath: str | os.PathLike) -> None:
        Path(filepath).parent.mkdir(parents=True, exist_ok=True)
        write_whole(filepath, obj)

    def remove(self, filepath: str | os.PathLike) -> None:
        self.outdated.append(os.fspath(filepath))

    def remove_outdated(self, *, keep: set[str | None]) -> None:
        """Remove what was to be removed, but not those that were written again."""
        for path in self.outdated:
            if path not in keep:
                Path(path).unlink(missing_ok=True)
        self.outdated = []
