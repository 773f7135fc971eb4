"""Which tracks a container says to show mirrored; PyAV tells the angle alone."""

from __future__ import annotations

import struct
from typing import BinaryIO

import numpy as np

from .boxes import boxes, elements

UNIT = 1 << 16
HEADER_BYTES = 256  # more than a track's or a film's header has
SEGMENT, TRACKS, TRACK = b"\x18\x53\x80\x67", b"\x16\x54\xae\x6b", b"\xae"
TO_YAW = b"\xe0", b"\x76\x70", b"\x76\x73"  # video, projection, its yaw
HALF_TURN = 180.0


def mirrored_tracks(file: BinaryIO, demuxer: str) -> set[int]:
    """The tracks whose pictures are mirrored, as :func:`key_of` names them.

    Args:
        file: Its content.
        demuxer: FFmpeg's name of the container.
    """
    find = {"mov": _by_matrix, "matroska": _by_projection}.get(demuxer)
    return find(file, file.seek(0, 2)) if find else set()


def key_of(stream, demuxer: str) -> int:
    """What names a stream's track: its number in MP4, else its place."""
    return stream.id if demuxer == "mov" else stream.index


def _by_matrix(file: BinaryIO, size: int) -> set[int]:
    film, tracks = 1.0, {}
    for kind, start, end in boxes(file, 0, size):
        if kind != b"moov":
            continue
        for kind, inner, inner_end in boxes(file, start, min(end, size)):
            if kind == b"mvhd":
                film = _determinant(_header(file, inner), 36)
            if kind != b"trak":
                continue
            for kind, place, _ in boxes(file, inner, min(inner_end, size)):
                if kind == b"tkhd":
                    header = _header(file, place)
                    number = 20 if header[:1] == b"\1" else 12
                    number = int.from_bytes(header[number : number + 4], "big")
                    tracks[number] = _determinant(header, 40)
        break
    return {number for number, value in tracks.items() if film * value < 0}


def _header(file: BinaryIO, start: int) -> bytes:
    file.seek(start)
    return file.read(HEADER_BYTES)


def _determinant(header: bytes, start: int) -> float:
    """Of the part of a header's matrix that turns and mirrors; 1 if it has none."""
    start += 12 if header[:1] == b"\1" else 0  # times of 64 bits before it
    if len(header) < start + 36:
        return 1.0
    matrix = np.frombuffer(header[start : start + 36], ">i4")
    a, b, c, d = (matrix[[0, 1, 3, 4]] / UNIT).tolist()
    return a * d - b * c


def _by_projection(file: BinaryIO, size: int) -> set[int]:
    """FFmpeg takes a sphere that is looked at from behind for a mirrored picture."""
    for kind, start, end in elements(file, 0, size):
        if kind != SEGMENT:
            continue
        for kind, inner, inner_end in elements(file, start, min(end, size)):
            if kind != TRACKS:
                continue
            tracks = elements(file, inner, min(inner_end, size))
            places = [(a, b) for kind, a, b in tracks if kind == TRACK]
            return {k for k, place in enumerate(places) if _is_behind(file, *place)}
    return set()


def _is_behind(file: BinaryIO, start: int, end: int) -> bool:
    for wanted in TO_YAW:
        found = [(a, b) for kind, a, b in elements(file, start, end) if kind == wanted]
        if not found:
            return False
        start, end = found[0]
    file.seek(start)
    form = {4: ">f", 8: ">d"}.get(end - start)
    content = file.read(8)[: end - start]
    if form is None or len(content) < end - start:
        return False
    return abs(struct.unpack(form, content)[0]) == HALF_TURN
