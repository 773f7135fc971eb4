"""Files of lines of JSON that are written while a command works, a line a result."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from .own import ForeignFile


@contextmanager
def only_writer(out: Path) -> Iterator[BinaryIO]:
    """A file of lines, for this process alone, to go on behind its last whole line.

    Raises:
        ForeignFile: Another process is writing it.
        OSError: It cannot be written.
    """
    with out.open("ab+", buffering=0) as file:
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
