"""A file elsewhere as one that is read here: whole if it is small, else in ranges."""

from __future__ import annotations

import io
import os
from collections import OrderedDict
from functools import partial

from ...disk import is_remote, public_name
from ..open_file import open_media
from ..pyav.pyav_reader import PyAVReader
from ..trust.sources import FileSource, SizedFile
from .store import Store

WHOLE_BYTES = 8 << 20  # a smaller file is fetched in one request
BLOCK = 256 << 10  # bytes
MOST_AHEAD = 16  # blocks in one request, where a file is read on and on
KEPT = 128  # blocks in memory


def fetch(
    url: str, store: Store, span: tuple[int, int] | None = None, name: str | None = None
) -> FileSource:
    """A file elsewhere, to be opened as one of this machine.

    Of a file above ``WHOLE_BYTES`` only what is asked for is fetched, in blocks, of
    which the last ``KEPT`` stay in memory. Others come whole, now.

    Args:
        url: Of the file.
        store: Makes the requests.
        span: Offset and size of a part that is the file, as in a tar; None: all of it.
        name: What messages call it; None: its address, without what may be secret.

    Raises:
        FileNotFoundError: There is no such file.
        FetchError: It cannot be fetched.
    """
    offset, size = span or (0, store.size(url))
    name = name or public_name(url)
    if size <= WHOLE_BYTES:
        content = store.read(url, offset, offset + size) if size else b""
        return FileSource(name, partial(io.BytesIO, content))
    return FileSource(name, partial(RangeFile, Blocks(url, store, offset, size)))


def source_at(
    path: str | os.PathLike, store: Store | None = None
) -> str | os.PathLike | FileSource:
    """What ``open_media`` takes for a file that is here, or fetched if it is not."""
    name = os.fspath(path)
    return fetch(name, store or Store({})) if is_remote(name) else path


def open_at(
    path: str | os.PathLike, store: Store | None = None, **options
) -> PyAVReader:
    """:func:`open_media` of a file that is here, or elsewhere.

    Args:
        path: Of the file, or its address.
        store: What reads addresses; None: one with its defaults.
        **options: As there.
    """
    return open_media(source_at(path, store), **options)


class Blocks:
    """The blocks of a file that were fetched last; openings of one file share them.

    Args:
        url: Of the file.
        store: Makes the requests.
        offset: Where it begins.
        size: In bytes.
    """

    def __init__(self, url: str, store: Store, offset: int, size: int) -> None:
        self.url, self.store, self.offset, self.size = url, store, offset, size
        self._kept: OrderedDict[int, bytes] = OrderedDict()

    def __deepcopy__(self, memo: dict) -> Blocks:
        return self

    def __contains__(self, number: int) -> bool:
        return number in self._kept

    def block(self, number: int, ahead: int) -> bytes:
        """A block; if it is not here, it is fetched with others behind it.

        Args:
            number: Of the block.
            ahead: How many may be fetched in the same request.
        """
        if number not in self._kept:
            start = number * BLOCK
            stop = min(start + ahead * BLOCK, self.size)
            content = self.store.read(self.url, self.offset + start, self.offset + stop)
            for at in range(0, stop - start, BLOCK):
                self._kept[number + at // BLOCK] = content[at : at + BLOCK]
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(number)
        return self._kept[number]


class RangeFile(SizedFile):
    """A file elsewhere that is open: reading fetches the blocks that are not here.

    As long as it is read on and on, each request is twice as long as the one before.
    """

    def __init__(self, blocks: Blocks) -> None:
        super().__init__(blocks.size)
        self._blocks = blocks
        self._ahead, self._expected = 1, -1

    def _bytes(self, start: int, count: int) -> bytes:
        parts, end = [], start + count
        while start < end:
            number, first = divmod(start, BLOCK)
            part = self._block(number)[first : first + end - start]
            parts.append(part)
            start += len(part)
        return b"".join(parts)

    def _block(self, number: int) -> bytes:
        if number not in self._blocks:
            on_and_on = number == self._expected
            self._ahead = min(2 * self._ahead, MOST_AHEAD) if on_and_on else 1
            self._expected = number + self._ahead
        return self._blocks.block(number, self._ahead)
