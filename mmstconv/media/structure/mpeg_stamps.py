"""Time stamps of MPEG transport and program streams, read from their bytes."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np

CLOCK = 90_000  # ticks a second
WRAP = 1 << 33  # time stamps begin again at 0
HEADER = 19  # bytes of a packet's header up to the end of its time stamps
# Transport packets: bytes before the sync byte, and in all.
TRANSPORT = {0: 188, 4: 192}
# The start of a program stream's packet of sound or pictures.
PACKET = re.compile(rb"\x00\x00\x01[\xbd\xc0-\xef]")


class Stamps(NamedTuple):
    """Time stamps of a file's packets, in the order of the file.

    Args:
        places: Where the time stamps stand in the file, in bytes.
        coded: Their bytes, uint8 ``(packets, 10)``: five for when the packet is shown,
            and five for when it is decoded, which mean something only where ``two``.
        two: Whether a packet has both time stamps.
        streams: Number of the stream that each packet belongs to.
        kinds: The standard's number of the kind of stream.
        shown: When each packet is shown, in ticks.
        decoded: When each packet is decoded, in ticks.
    """

    places: np.ndarray
    coded: np.ndarray
    two: np.ndarray
    streams: np.ndarray
    kinds: np.ndarray
    shown: np.ndarray
    decoded: np.ndarray


def later(before, after):
    """By how many ticks a time stamp is later than another."""
    return (after - before + WRAP // 2) % WRAP - WRAP // 2


def transport_stamps(content: np.ndarray) -> Stamps | None:
    """The time stamps of a transport stream; None if it is none."""
    packets = transport_packets(content)
    if packets is None:
        return None
    packets, lead, length = packets
    begins = np.flatnonzero(packets[:, 1] & 0x40)
    chosen = packets[begins]
    control = chosen[:, 3] >> 4 & 3
    offset = 4 + np.where(control == 3, 1 + chosen[:, 4].astype(int), 0)
    whole = (offset + HEADER <= 188) & (control & 1 == 1)
    begins, chosen, offset = begins[whole], chosen[whole], offset[whole]
    headers = np.take_along_axis(chosen, offset[:, None] + np.arange(HEADER), 1)
    streams = (chosen[:, 1].astype(int) & 0x1F) << 8 | chosen[:, 2]
    told = (headers[:, :3] == [0, 0, 1]).all(1)
    told &= (headers[:, 6] >> 6 == 2) & (headers[:, 7] & 0x80 != 0)
    headers, streams = headers[told], streams[told]
    places = (begins * length + lead + offset)[told] + 9
    two = headers[:, 7] & 0x40 != 0
    return _made(places, headers[:, 9:], two, streams, headers[:, 3])


def transport_packets(content: np.ndarray):
    """The packets of a transport stream; None if it is none.

    Returns:
        ``(packets, 188)`` bytes, how many bytes come before each, and how many bytes
        each has with those.
    """
    for lead, length in TRANSPORT.items():
        count = len(content) // length
        packets = content[: count * length].reshape(count, length)[:, lead : lead + 188]
        if count and (packets[:, 0] == 0x47).all():
            return packets, lead, length
    return None


def program_stamps(content: np.ndarray) -> Stamps | None:
    """The time stamps of a program stream; None if there are fewer than two."""
    data = memoryview(content)
    found = []
    for match in PACKET.finditer(data):
        place, kind = match.start(), data[match.end() - 1]
        header = bytes(data[place + 6 : place + 32])
        if len(header) < 26:
            break
        if header[0] >> 6 == 2:  # MPEG-2
            at, told = 3, header[1] >> 6
        else:  # MPEG-1
            at = len(header) - len(header.lstrip(b"\xff"))
            at += 2 if at < 16 and header[at] >> 6 == 1 else 0
            told = header[at] >> 4 if at < 16 else 0
        if told in (2, 3):
            found.append((place + 6 + at, told == 3, kind))
    if len(found) < 2:
        return None
    places, two, kinds = (np.array(column) for column in zip(*found))
    coded = content[places[:, None] + np.arange(10)]
    return _made(places, coded, two, kinds, kinds)


def _made(places, coded, two, streams, kinds) -> Stamps:
    shown = _ticks(coded[:, :5])
    decoded = np.where(two, _ticks(coded[:, 5:]), shown)
    return Stamps(places, coded, two, streams, kinds, shown, decoded)


def _ticks(coded: np.ndarray) -> np.ndarray:
    """Time stamps from their bytes: each has 33 bits, spread over five bytes."""
    a, b, c, d, e = coded.astype(np.int64).T
    return (a >> 1 & 7) << 30 | b << 22 | c >> 1 << 15 | d << 7 | e >> 1
