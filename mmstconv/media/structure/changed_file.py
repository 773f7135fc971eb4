"""A file of which some bytes are read as others."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Changes(NamedTuple):
    """Which bytes of a joined file are replaced, and what follows from it.

    Args:
        places: Of the bytes, rising.
        values: Of the bytes that are read in their place, uint8.
        joins: When the sound of each part but the first then begins, in seconds.
    """

    places: np.ndarray
    values: np.ndarray
    joins: list[float]


class ChangedFile:
    """A file of which some bytes are read as others.

    Args:
        file: The file: ``read``, ``seek`` and ``tell``.
        changes: Which bytes.
    """

    def __init__(self, file, changes: Changes) -> None:
        self.file = file
        self.changes = changes

    def read(self, count: int) -> bytes:
        start = self.file.tell()
        content = bytearray(self.file.read(count))
        places, values = self.changes.places, self.changes.values
        first, last = np.searchsorted(places, [start, start + len(content)])
        if first < last:
            changed = np.frombuffer(content, np.uint8)
            changed[places[first:last] - start] = values[first:last]
        return bytes(content)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self.file.seek(offset, whence)

    def tell(self) -> int:
        return self.file.tell()
