"""Files of lines of JSON that are written while a command works, a line a result."""

from __future__ import annotations

import fcntl
import io
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from .own import ForeignFile, say_where


class _WholeWrites(io.FileIO):
    """Writes all that it is given, or says which disk is full: that takes a part."""

    def write(self, data: bytes) -> int:
        left = data
        try:
            while left:
                left = left[super().write(left) :]
        except OSError as error:
            say_where(error, self.name)
            raise
        return len(data)


@contextmanager
def only_writer(out: Path) -> Iterator[BinaryIO]:
    """A file of lines, for this process alone, to go on behind its last whole line.

    Raises:
        ForeignFile: Another process is writing it.
        OSError: It cannot be written.
    """
    with _WholeWrites(os.fspath(out), "ab+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ForeignFile(f"{out} is being written by another process") from None
        except OSError:
            pass  # a file system without locks
        file.seek(0)
        content = file.read()
        file.truncate(content.rfind(b"\n") + 1)
        yield file


def journal_lines(path: Path) -> list:
    """What a journal's lines say; one that is cut off says nothing."""
    content = path.read_bytes() if path.is_file() else b""
    lines = []
    for line in content.splitlines():
        with suppress(ValueError):
            lines.append(json.loads(line))
    return lines
