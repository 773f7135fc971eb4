"""Walking the structure of MP4 (boxes) and Matroska (elements) files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import BinaryIO

MAX_PARTS = 100_000  # a file made of empty ones would keep us busy


def boxes(file: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start of the content and end of each box between two places.

    The end may lie beyond, in a file that is cut short. What goes to the end of the
    file, or is no box, ends the walk.
    """
    for _ in range(MAX_PARTS):
        if start + 8 > end:
            return
        file.seek(start)
        header = file.read(16)
        length, kind, content = int.from_bytes(header[:4], "big"), header[4:8], 8
        if length == 1:
            length, content = int.from_bytes(header[8:], "big"), 16
        if length < content:
            return
        yield kind, start + content, start + length
        start += length


def elements(
    file: BinaryIO, start: int, end: int, unknown_sizes: bool = True
) -> Iterator[tuple[bytes, int, int]]:
    """ID, start of the content and end of each element between two places.

    One of unknown size goes to the end, or ends the walk.
    """
    for _ in range(MAX_PARTS):
        if start >= end:
            return
        file.seek(start)
        header = file.read(12)
        name = 9 - header[0].bit_length() if header else 9
        digits = 9 - header[name].bit_length() if len(header) > name else 9
        if name > 4 or digits > 8:
            return
        unknown = (1 << 7 * digits) - 1
        length = int.from_bytes(header[name : name + digits], "big") & unknown
        if length == unknown and not unknown_sizes:
            return
        content = start + name + digits
        stop = end if length == unknown else content + length
        yield header[:name], content, stop
        start = stop


def within(
    parts: Callable, file: BinaryIO, place: tuple[int, int], *path: bytes
) -> Iterator[tuple[bytes, int, int]]:
    """The parts at a path: of parts of that kind within parts of the kind before.

    Args:
        parts: ``boxes`` or ``elements``.
        file: Its content.
        place: Where to look.
        path: Kinds, from the outermost to the one that is looked for.
    """
    for kind, start, end in list(parts(file, *place)):
        if kind == path[0] and len(path) == 1:
            yield kind, start, end
        elif kind == path[0]:
            yield from within(parts, file, (start, min(end, place[1])), *path[1:])
