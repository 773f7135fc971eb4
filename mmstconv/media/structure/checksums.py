"""Whether the parts of a file that packets lie in are whole.

Some containers store a check sum for each part, others store sizes that must lead from
one part to the next. FFmpeg drops a part that is wrong, goes on at the next one, and
tells nobody but its log. Only parts that were read are checked.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO

from .boxes import (
    ASF_PROPERTIES,
    CLUSTER,
    MAX_PARTS,
    SEGMENT,
    TRACK,
    TRACKS,
    elements,
    within,
)

PAGE = 27  # bytes of an Ogg page's header before its table of sizes
TAG = 11  # bytes of an FLV tag's header
REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
CRC = b"\xbf"
ASF_HEADER = 64 << 10  # bytes of an ASF file that are searched for its header
ASF_DATA = bytes.fromhex("3626b2758e66cf11a6d900aa0062ce6c")
# IDs of what a Matroska segment consists of: an index, information, tracks, clusters,
# cues, attached files, chapters, tags, padding and check sums.
PARTS = {
    bytes.fromhex(name) for name in ("114d9b74", "1549a966", "1654ae6b", "1f43b675")
}
PARTS |= {bytes.fromhex(name) for name in ("1c53bb6b", "1941a469", "1043a770")}
PARTS |= {bytes.fromhex(name) for name in ("1254c367", "ec", "bf")}
OF_A_TRACK = {b"\xd7", b"\x83", b"\x86"}  # its number, type and codec
# IDs of what a cluster consists of: its time, blocks, groups of blocks, its place, its
# size, padding, check sums and encrypted blocks.
IN_CLUSTER = "e7 a3 a0 a7 ab 5854 ec bf af"
IN_CLUSTER = {bytes.fromhex(name) for name in IN_CLUSTER.split()}
LARGEST = 64 << 20  # bytes; the check sum of a larger part is not computed
ALL_ONES = 0xFFFFFFFF


class Checksums:
    """Checks the parts of a file as its packets are read.

    Args:
        file: The file; every call leaves it at the place where it was.
        demuxer: FFmpeg's name of the container. A container that stores nothing to
            check is never found wrong.
    """

    def __init__(self, file: BinaryIO, demuxer: str) -> None:
        self.file = file
        self._follow = {"ogg": _ogg_page, "flv": _flv_tag}.get(demuxer)
        self._last = file.seek(0, 2) - 1  # the last place where a part may begin
        if demuxer == "asf":
            self._follow, self._last = _asf_packets(file)
        self._by_packet = demuxer in ("mp3", "aac", "flac")
        self._parts = _matroska_parts(file) if demuxer == "matroska" else None
        self._end = 0  # where the last part of Matroska that was checked ends
        self._next: int | None = None  # where the part after the last packet begins
        self._seen: set[int] = set()

    def jump(self) -> None:
        """Says that the reader has sought: the next packet does not follow the last."""
        self._next = None

    def wrong(self, packet) -> list[int]:
        """Checks from the last packet up to the part that holds this packet.

        Args:
            packet: The next packet; None at the end of the file.

        Returns:
            Where broken parts begin.
        """
        place = None if packet is None else packet.pos
        if packet is not None and place is None:
            return []
        if self._by_packet:
            expected = self._next
            self._next = None if packet is None else place + packet.size
            return [] if expected in (None, place) or packet is None else [expected]
        if self._follow is None and self._parts is None:
            return []
        here = self.file.tell()
        try:
            if self._parts is not None:
                return [] if place is None else self._around(place)
            return self._up_to(place, self._follow)
        finally:
            self.file.seek(here)

    def _up_to(self, place: int | None, follow: Callable) -> list[int]:
        """Follows the parts from one to the next; where broken ones begin."""
        wrong = []
        start = place if self._next is None else self._next
        if place is not None and start is not None and start > place:
            return []  # a later packet of the same part
        last = self._last if place is None else place
        while start is not None and start <= last:
            end = follow(self.file, start)
            if end is None or (place is not None and start < place < end):
                wrong.append(start)
                end = place if place is not None and start < place else None
            start = end
        self._next = start
        return wrong

    def _around(self, place: int) -> list[int]:
        """Checks Matroska's parts up to the one around a place."""
        wrong = []
        while self._end <= place:
            part = next(self._parts, None)
            if part is None:
                if self._end in self._seen:
                    return []
                self._seen.add(self._end)
                return [self._end]
            start, self._end, self._is_whole = part
            if not self._is_whole and start <= place:
                wrong.append(start)
        return wrong


def _ogg_page(file: BinaryIO, start: int) -> int | None:
    """The end of an Ogg page; None if there is no page, or a broken one."""
    file.seek(start)
    header = file.read(PAGE)
    if len(header) < PAGE or header[:4] != b"OggS":
        return None
    sizes = file.read(header[26])
    content = file.read(sum(sizes))
    page = header[:22] + bytes(4) + header[26:] + sizes + content
    # Ogg's check sum takes the bits of each byte, and its own, in the reverse order.
    found = zlib.crc32(page.translate(REVERSED), ALL_ONES) ^ ALL_ONES
    found = found.to_bytes(4, "big").translate(REVERSED)[::-1]
    whole = len(content) == sum(sizes)
    stated = int.from_bytes(header[22:26], "little")
    return (
        start + len(page) if whole and int.from_bytes(found, "big") == stated else None
    )


def _asf_packets(file: BinaryIO) -> tuple[Callable | None, int]:
    """How packets of an ASF file follow one another.

    All packets are of one size and begin with an empty field for error correction.

    Returns:
        A function from the start of a packet to its end (None if there is no packet),
        and the last place where a packet may begin. None and 0 if the header does not
        tell.
    """
    file.seek(0)
    header = file.read(ASF_HEADER)
    properties = header.find(ASF_PROPERTIES)
    start = int.from_bytes(header[16:24], "little")
    file.seek(start)
    data = file.read(24)
    sizes = header[properties + 92 : properties + 100]
    size = int.from_bytes(sizes[:4], "little")
    if properties < 0 or data[:16] != ASF_DATA or sizes[:4] != sizes[4:] or not size:
        return None, 0

    def follow(file: BinaryIO, start: int) -> int | None:
        file.seek(start)
        return start + size if file.read(3) == b"\x82\0\0" else None

    return follow, start + int.from_bytes(data[16:], "little") - 1


def _flv_tag(file: BinaryIO, start: int) -> int | None:
    """The end of an FLV tag; None if the size that follows it is not its size."""
    file.seek(start)
    header = file.read(TAG)
    if len(header) < TAG:
        return None
    size = TAG + int.from_bytes(header[1:4], "big")
    file.seek(start + size)
    after = file.read(4)
    return start + size + 4 if int.from_bytes(after, "big") == size else None


def _matroska_parts(file: BinaryIO) -> Iterator[tuple[int, int, bool]]:
    """Start and end of each part of Matroska's segment, and whether it is whole."""
    size = file.seek(0, 2)
    for kind, start, end in elements(file, 0, size):
        if kind != SEGMENT:
            continue
        parts = enumerate(elements(file, start, min(end, size)), 1)
        for count, (kind, inner, inner_end) in parts:
            end_here = min(inner_end, size)
            whole = kind in PARTS and _sum_is_right(file, inner, end_here)
            if whole and kind == CLUSTER:
                whole = _is_chain(file, inner, end_here)
            if whole and kind == TRACKS:
                whole = _are_whole(file, inner, end_here)
            if count == MAX_PARTS:  # what follows is not looked at
                yield inner, size + 1, whole
                return
            yield inner, inner_end, whole and inner_end <= size


def _sum_is_right(file: BinaryIO, start: int, end: int) -> bool:
    file.seek(start)
    header = file.read(6)
    if header[:2] != CRC + b"\x84" or end - start > LARGEST:
        return True
    content = file.read(end - start - 6)
    return zlib.crc32(content) == int.from_bytes(header[2:], "little")


def _is_chain(file: BinaryIO, start: int, end: int) -> bool:
    """Whether a cluster consists of what belongs into one, without a gap."""
    parts = enumerate(elements(file, start, end, unknown_sizes=False), 1)
    for number, (kind, _, stop) in parts:
        if kind not in IN_CLUSTER:
            # a cluster of unknown size ends where the next part begins
            return kind in PARTS
        if number == MAX_PARTS:  # what follows is not looked at
            return True
        start = stop
    return start == end


def _are_whole(file: BinaryIO, start: int, end: int) -> bool:
    """Whether each track has a number, a type and a codec, and ends where it says."""
    for _, inner, stop in within(elements, file, (start, end), TRACK):
        parts = list(elements(file, inner, stop))
        kinds = {kind for kind, _, _ in parts}
        if not kinds >= OF_A_TRACK or parts[-1][2] != stop:
            return False
    return True
