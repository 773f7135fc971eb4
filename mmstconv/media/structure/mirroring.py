"""Which tracks a container says to show mirrored: PyAV only tells the angle."""

from __future__ import annotations

import struct
from typing import BinaryIO

import numpy as np

from .boxes import SEGMENT, TRACK, TRACKS, boxes, elements, within

UNIT = 1 << 16
HEADER_BYTES = 256  # more than the header of a track or of the whole film has
TO_YAW = b"\xe0", b"\x76\x70", b"\x76\x73"  # video, projection, its yaw
HALF_TURN = 180.0


def mirrored_tracks(file: BinaryIO, demuxer: str) -> set[int]:
    """The tracks whose pictures are mirrored, as :func:`key_of` names them.

    Args:
        file: The file.
        demuxer: FFmpeg's name of the container.
    """
    find = {"mov": _by_matrix, "matroska": _by_projection}.get(demuxer)
    return find(file, file.seek(0, 2)) if find else set()


def key_of(stream, demuxer: str) -> int:
    """What names a stream's track: its ID in MP4, elsewhere its index."""
    return stream.id if demuxer == "mov" else stream.index


def _by_matrix(file: BinaryIO, size: int) -> set[int]:
    """MP4: the matrices of film and track together mirror."""
    film, tracks = 1.0, {}
    for _, start, _ in within(boxes, file, (0, size), b"moov", b"mvhd"):
        film = _determinant(_header(file, start), 36)
    for _, start, _ in within(boxes, file, (0, size), b"moov", b"trak", b"tkhd"):
        header = _header(file, start)
        number = 20 if header[:1] == b"\1" else 12
        number = int.from_bytes(header[number : number + 4], "big")
        tracks[number] = _determinant(header, 40)
    return {number for number, value in tracks.items() if film * value < 0}


def _header(file: BinaryIO, start: int) -> bytes:
    file.seek(start)
    return file.read(HEADER_BYTES)


def _determinant(header: bytes, start: int) -> float:
    """Of a header's matrix: below 0 it mirrors. 1 without a matrix."""
    start += 12 if header[:1] == b"\1" else 0  # times of 64 bits before it
    if len(header) < start + 36:
        return 1.0
    matrix = np.frombuffer(header[start : start + 36], ">i4")
    a, b, c, d = (matrix[[0, 1, 3, 4]] / UNIT).tolist()
    return a * d - b * c


def _by_projection(file: BinaryIO, size: int) -> set[int]:
    """Matroska: FFmpeg mirrors a spherical picture that is seen from behind."""
    tracks = within(elements, file, (0, size), SEGMENT, TRACKS, TRACK)
    return {k for k, (_, *place) in enumerate(tracks) if _is_behind(file, *place)}


def _is_behind(file: BinaryIO, start: int, end: int) -> bool:
    """Whether a track's projection is turned by half a turn."""
    found = next(within(elements, file, (start, end), *TO_YAW), None)
    if found is None:
        return False
    _, start, end = found
    file.seek(start)
    form = {4: ">f", 8: ">d"}.get(end - start)
    content = file.read(8)[: end - start]
    if form is None or len(content) < end - start:
        return False
    return abs(struct.unpack(form, content)[0]) == HALF_TURN
