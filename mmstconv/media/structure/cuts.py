"""Whether a file was cut short, by the sizes that its container states."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

from .boxes import ASF_PROPERTIES, EBML, SEGMENT, boxes, elements

# What may stand at the outermost level of an MP4 or QuickTime file.
OUTERMOST = {
    *(b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"free", b"skip", b"wide"),
    *(b"sidx", b"ssix", b"mfra", b"meta", b"uuid", b"udta", b"pnot", b"emsg", b"prft"),
}
FLV_TAGS = {8, 9, 18}
HEADER_BYTES = 8192


@dataclass(frozen=True)
class Cut:
    """The end of a file that is shorter than it says.

    Args:
        reason: In words.
        usable: How many bytes from the beginning FFmpeg can read.
    """

    reason: str
    usable: int


def find_cut(file: BinaryIO, demuxer: str) -> Cut | None:
    """Tells whether a file was cut short, by the sizes its container states.

    Args:
        file: The file.
        demuxer: FFmpeg's name of the container.

    Returns:
        Where the file ends; None if it is whole, or its container states no sizes.
    """
    size = file.seek(0, 2)
    find = {
        "mov": _cut_boxes,
        "matroska": _cut_segment,
        "avi": _cut_riff,
        "wav": _cut_riff,
        "mpegts": _cut_transport_packet,
        "flv": _cut_tag,
        "asf": _cut_packets,
        "mp3": _cut_frames,
    }.get(demuxer)
    return find(file, size) if find else None


def _missing(what: str, end: int, size: int) -> Cut | None:
    if end <= size:
        return None
    return Cut(f"is cut short: {end - size} bytes of its {what} are missing", size)


def _cut_boxes(file: BinaryIO, size: int) -> Cut | None:
    begin = start = 0  # of the last box, and behind it
    last, in_fragments = b"", False
    for kind, _, end in boxes(file, 0, size):
        if kind not in OUTERMOST:
            return None
        cut = _missing(f"'{kind.decode()}' box", end, size)
        if cut:  # FFmpeg gives up at half an index, but not at half the data
            return cut if kind == b"mdat" else Cut(cut.reason, start)
        begin, start, last = start, end, kind
        in_fragments |= kind == b"moof"
    if last == b"moof":
        return Cut("is cut short: the data of its last 'moof' box are missing", begin)
    if in_fragments and start < size < start + 8:
        return Cut("is cut short: it ends within the header of a box", start)
    return None


def _cut_segment(file: BinaryIO, size: int) -> Cut | None:
    parts = [part for _, part in zip(range(2), elements(file, 0, size))]
    if [kind for kind, _, _ in parts] != [EBML, SEGMENT]:
        return None
    return _missing("segment", parts[1][2], size)


def _cut_riff(file: BinaryIO, size: int) -> Cut | None:
    file.seek(0)
    header = file.read(8)
    length = int.from_bytes(header[4:], "little")
    if header[:4] != b"RIFF" or length >= 0x7FFFFFFF:  # size unknown when written
        return None
    return _missing("RIFF chunk", 8 + length, size)


def _cut_transport_packet(file: BinaryIO, size: int) -> Cut | None:
    file.seek(0)
    length = 188 if file.read(1) == b"G" else 192
    rest = size % length
    return Cut("is cut short: it ends within a packet", size) if rest else None


def _cut_tag(file: BinaryIO, size: int) -> Cut | None:
    """Each tag of an FLV file is followed by its size."""
    file.seek(max(size - 4, 0))
    length = int.from_bytes(file.read(4), "big")
    start = size - 4 - length
    if start >= 9:
        file.seek(start)
        header = file.read(4)
        known = header[:1] and header[0] & 0x1F in FLV_TAGS
        if known and int.from_bytes(header[1:], "big") + 11 == length:
            return None
    return Cut("is cut short: it ends within a tag", size) if size > 13 else None


def _cut_packets(file: BinaryIO, size: int) -> Cut | None:
    """The header of ASF says how long the file is, unless it was broadcast."""
    file.seek(0)
    header = file.read(HEADER_BYTES)
    place = header.find(ASF_PROPERTIES)
    if place < 0 or len(header) < place + 92 or header[place + 88] & 1:
        return None
    length = int.from_bytes(header[place + 40 : place + 48], "little")
    return _missing("packets", length, size)


def _cut_frames(file: BinaryIO, size: int) -> Cut | None:
    """Encoders of MPEG audio write the size of all frames into the first frame."""
    file.seek(0)
    header = file.read(HEADER_BYTES)
    place = max(header.find(b"Xing"), header.find(b"Info"))
    if place < 0 or len(header) < place + 16 or header[place + 7] & 3 != 3:
        return None
    # The size counts from the first frame, which begins a little before the mark.
    return _missing(
        "frames", int.from_bytes(header[place + 12 : place + 16], "big"), size
    )
