"""How many streams a container's header promises: if fewer are found, some are lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import BinaryIO

from .boxes import SEGMENT, TRACK, TRACKS, boxes, elements, within

HEADER_BYTES = 64 << 10
KINDS = {b"vide": "video", b"soun": "audio", b"vmhd": "video", b"smhd": "audio"}
# What else may be in the box of an MP4 file's tracks.
IN_MOOV = "mvhd trak udta meta mvex iods cmov clip ctab free skip wide uuid pssh drm "
IN_MOOV = {name.encode().ljust(4) for name in [*(IN_MOOV + "prfl rmra").split(), ""]}
ASF_HEADER, ASF_OBJECT = 30, 24  # bytes
ASF_STREAM = bytes.fromhex("9107dcb7b7a9cf118ee600c00c205365")
# How the names of all other objects of a header begin.
ASF_NAMES = "a1dcab8c b503bf5f 4052d186 301afb1e 01cd87f4 dc29e2d6 3526b275 3326b275"
ASF_NAMES += " 40a4d0d2 fab31122 ce75f87b fbb31122 14e68a29 fcb31122 74d40618"
ASF_NAMES = {bytes.fromhex(name) for name in ASF_NAMES.split()}
CODEC_LIST = bytes.fromhex("4052d1861d31d011a3a400a0c90348f6")
ASF_KINDS = {1: "video", 2: "audio"}
CODEC, CODEC_KINDS = b"\x86", {b"V_": "video", b"A_": "audio"}


def missing_streams(
    file: BinaryIO, demuxer: str, found: Iterable[str]
) -> dict[str, int]:
    """How many streams of which kind are promised but not found.

    Args:
        file: The file.
        demuxer: FFmpeg's name of the container.
        found: The kind of each stream that FFmpeg found.

    Returns:
        Counts by kind: ``'video'``, ``'audio'``, ``'other'`` (a kind that the header
        does not tell) or ``'readable'`` (a track whose header is broken).
    """
    promise = PROMISES.get(demuxer)
    if promise is None:
        return {}
    found = Counter(kind for kind in found if kind != "unknown")
    found["other"] = sum(found.values())
    promised = promise(file)
    return {kind: n - found[kind] for kind, n in promised.items() if n > found[kind]}


def _by_tracks(file: BinaryIO) -> Counter:
    """MP4: a track tells its kind by its handler, its media header or its volume."""
    size = file.seek(0, 2)
    kinds: Counter = Counter()
    for _, *track in list(within(boxes, file, (0, size), b"moov", b"trak")):
        seen, handled = set(), False
        for _, start, _ in within(boxes, file, track, b"mdia", b"hdlr"):
            file.seek(start + 8)
            seen.add(KINDS.get(file.read(4)))
            handled = True
        kinds["readable"] += not handled
        for _, start, end in within(boxes, file, track, b"mdia", b"minf"):
            seen.update(KINDS.get(kind) for kind, _, _ in boxes(file, start, end))
        for _, start, _ in within(boxes, file, track, b"tkhd"):
            file.seek(start)
            header = file.read(64)
            volume = 48 if header[:1] == b"\1" else 36
            if any(header[volume : volume + 2]):
                seen.add("audio")
        kinds.update(seen - {None})
    # a box of an unknown name may have been a track
    for _, start, end in within(boxes, file, (0, size), b"moov"):
        names = [(name, stop) for name, _, stop in boxes(file, start, end)]
        kinds["readable"] += sum(name not in IN_MOOV for name, _ in names)
        kinds["readable"] += bool(names) and names[-1][1] > end
    return kinds


def _by_count(file: BinaryIO) -> Counter:
    """AVI: the main header counts the streams."""
    header = _head(file)
    if header[24:28] != b"avih":
        return Counter()
    count = int.from_bytes(header[56:60], "little")
    return Counter(other=count if count < 64 else 0)


def _by_codec_list(file: BinaryIO) -> Counter:
    """ASF: the header lists the streams, and the codecs with their kinds."""
    header = _head(file)
    kinds: Counter = Counter()
    place, end = ASF_HEADER, int.from_bytes(header[16:24], "little")
    while place + ASF_OBJECT <= min(end, len(header)):
        name = header[place : place + 16]
        # an object of an unknown name may have been a stream
        kinds["other"] += name == ASF_STREAM or name[:4] not in ASF_NAMES
        place += max(int.from_bytes(header[place + 16 : place + 24], "little"), 24)
    place = header.find(CODEC_LIST)
    if place < 0:
        return kinds
    count = int.from_bytes(header[place + 40 : place + 44], "little")
    place += 44
    for _ in range(min(count, 64)):
        kinds[ASF_KINDS.get(int.from_bytes(header[place : place + 2], "little"))] += 1
        place += 2
        for width in (2, 2, 1):  # name and description in UTF-16, information
            length = int.from_bytes(header[place : place + 2], "little")
            place += 2 + width * length
    del kinds[None]
    return kinds


def _by_system_header(file: BinaryIO) -> Counter:
    """MPEG program streams begin with a list of their streams."""
    header = _head(file)
    place = header.find(b"\x00\x00\x01\xbb")
    kinds: Counter = Counter()
    if place < 0:
        return kinds
    end = place + 6 + int.from_bytes(header[place + 4 : place + 6], "big")
    for start in range(place + 12, end - 2, 3):
        name = header[start]
        kind = {0xE0: "video", 0xC0: "audio"}.get(name & 0xE0 if name < 0xE0 else name)
        kinds.update([kind] if kind else [])
    return kinds


def _by_codec_names(file: BinaryIO) -> Counter:
    """Matroska: the names of codecs begin with V or A."""
    size = file.seek(0, 2)
    kinds: Counter = Counter()
    path = SEGMENT, TRACKS, TRACK, CODEC
    for _, start, _ in within(elements, file, (0, size), *path):
        file.seek(start)
        kind = CODEC_KINDS.get(file.read(2))
        kinds.update([kind] if kind else [])
    return kinds


def _head(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read(HEADER_BYTES)


PROMISES = {
    "mov": _by_tracks,
    "matroska": _by_codec_names,
    "avi": _by_count,
    "asf": _by_codec_list,
    "mpeg": _by_system_header,
}
