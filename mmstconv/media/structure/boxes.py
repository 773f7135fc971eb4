"""Walking the structure of MP4 (boxes) and Matroska (elements) files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import BinaryIO

MAX_PARTS = 100_000  # a file of countless empty parts would otherwise never end
# IDs of Matroska elements, and of the ASF object that says how long the file is.
EBML, SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"
TRACKS, TRACK, CLUSTER = b"\x16\x54\xae\x6b", b"\xae", b"\x1f\x43\xb6\x75"
ASF_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")


def boxes(file: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """The boxes of an MP4 file between two places.

    A box that goes to the end of the file, or bytes that are no box, end the walk.

    Yields:
        Kind, start of the content, and end. The end is what the box states: it lies
        beyond the file where that is cut short.
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
    """The elements of a Matroska file between two places.

    Args:
        file: The file.
        start: Of the first element.
        end: Where the walk ends.
        unknown_sizes: Whether an element of unknown size is taken to go to the end.
            Otherwise it ends the walk.

    Yields:
        ID, start of the content, and end, as the element states it.
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
    """The parts at a path of kinds, each kind inside the one before it.

    Args:
        parts: ``boxes`` or ``elements``.
        file: The file.
        place: Start and end of where to look.
        path: Kinds, from the outermost to the one that is looked for.

    Yields:
        Kind, start of the content, and end.

    Example:
        >>> list(within(boxes, file, (0, size), b"moov", b"trak"))
    """
    for kind, start, end in list(parts(file, *place)):
        if kind == path[0] and len(path) == 1:
            yield kind, start, end
        elif kind == path[0]:
            yield from within(parts, file, (start, min(end, place[1])), *path[1:])
