"""Where the bytes of a file come from, when that is no path of this machine."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from functools import partial
from typing import BinaryIO, NamedTuple

IN_MEMORY = "<bytes>"  # the name of a file that has none


class FileSource(NamedTuple):
    """A file that can be opened, wherever it is.

    Args:
        name: What messages call it. Its suffix tells nothing: the content does.
        open: Opens it for reading, seekable, at its first byte; any number of times.
    """

    name: str
    open: Callable[[], BinaryIO]


Source = str | os.PathLike | bytes | FileSource


def name_of(source: Source) -> str:
    """What messages call a source: its name or path, or ``IN_MEMORY``."""
    if isinstance(source, FileSource):
        return source.name
    return IN_MEMORY if isinstance(source, bytes) else os.fspath(source)


def open_source(source: Source) -> BinaryIO:
    """The bytes of a source, seekable."""
    if isinstance(source, FileSource):
        return source.open()
    return io.BytesIO(source) if isinstance(source, bytes) else open(source, "rb")


def part_of_file(path: str, offset: int, size: int, name: str) -> FileSource:
    """A file that lies as it is within another one, as in a tar.

    Args:
        path: Of the file around it, on this machine.
        offset: Of its first byte.
        size: In bytes.
        name: What messages call it.
    """
    return FileSource(name, partial(FilePart, path, offset, size))


class SizedFile(io.RawIOBase):
    """A file of known size, open for reading. Subclasses say what it holds.

    Args:
        size: In bytes.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self._size, self._place = size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = 0) -> int:
        target = offset + (0, self._place, self._size)[whence]
        if target < 0:
            raise ValueError(f"negative seek position {target}")
        self._place = target
        return target

    def read(self, count: int = -1) -> bytes:
        rest = max(self._size - self._place, 0)
        count = rest if count is None or count < 0 else min(count, rest)
        content = self._bytes(self._place, count)
        self._place += len(content)
        return content

    def _bytes(self, start: int, count: int) -> bytes:
        """``count`` bytes from ``start`` on, which the file has."""
        raise NotImplementedError


class FilePart(SizedFile):
    """The bytes ``[offset, offset + size)`` of a file, read as a file of their own."""

    def __init__(self, path: str, offset: int, size: int) -> None:
        super().__init__(size)
        self._file, self._offset = open(path, "rb"), offset

    def _bytes(self, start: int, count: int) -> bytes:
        self._file.seek(self._offset + start)
        return self._file.read(count)

    def close(self) -> None:
        self._file.close()
        super().close()
