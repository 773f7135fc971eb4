"""MPEG streams that were joined end to end: one clock is made of the parts' clocks.

Joining such files byte by byte is allowed (``cat a.ts b.ts``), and receivers do it when
they lose a signal. Each part has its own clock; FFmpeg then seeks to wrong places, and
shows one part's picture to the other's sound. Here the time stamps of the later parts
are moved while the file is read, so that each begins where the one before it ends.
"""

from __future__ import annotations

import io
from typing import BinaryIO

import numpy as np

from ..trust.damage import Damage
from .changed_file import Changes
from .mpeg_stamps import (
    CLOCK,
    WRAP,
    Stamps,
    later,
    program_stamps,
    transport_packets,
    transport_stamps,
)

# Time stamps of one stream that fall, or rise by an hour from one packet to the next,
# are another clock's.
LONGEST_PAUSE = 3600 * CLOCK
# Pictures follow without a pause, even if the sound then overlaps by this much.
OVERLAP = CLOCK // 5
# A larger file is first sampled in this many places, to see whether it is joined.
WHOLE_BYTES = 64 << 20
PLACES, PLACE_BYTES = 64, 1 << 18
# A joined file beyond these is not repaired: that takes memory for each packet.
MAX_BYTES, MAX_PARTS = 4 << 30, 500
VIDEO = range(0xE0, 0xF0)  # the standard's numbers of video streams


def find_changes(
    file: BinaryIO, demuxer: str, size: int, damage: Damage
) -> Changes | None:
    """The changes that make one clock of a joined file's clocks.

    Args:
        file: The file.
        demuxer: FFmpeg's name of the container.
        size: How many bytes of the file can be used.
        damage: Is told if the file has too many parts, or is too large, for that.

    Returns:
        None if the file has one clock only, or is not repaired.
    """
    read = {"mpegts": transport_stamps, "mpeg": program_stamps}.get(demuxer)
    if read is None or (size > WHOLE_BYTES and not _seems_joined(file, read, size)):
        return None
    content = _content(file, size)
    stamps = None if content is None else read(content)
    cuts = None if stamps is None else _cuts(stamps)
    unread = cuts is None and size > WHOLE_BYTES
    if unread or (cuts and len(cuts) > MAX_PARTS):
        damage.note(
            "is joined of parts with clocks of their own, and is not read whole"
        )
        return None
    if not cuts:
        return None
    part = np.searchsorted(cuts, np.arange(len(stamps.places)), "right")
    moves = _moves(stamps, part)
    places, values = _moved(stamps, moves[part])
    if demuxer == "mpegts":
        more = _counters(content, stamps.places[cuts])
        places, values = map(np.concatenate, zip((places, values), more))
    order = np.argsort(places, kind="stable")
    return Changes(places[order], values[order], _joins(stamps, part, moves))


def _content(file: BinaryIO, size: int) -> np.ndarray | None:
    """The bytes of a file, uint8: mapped, not copied, if they are on this machine.

    None if they are too many.
    """
    if isinstance(file, io.BytesIO):
        return np.frombuffer(file.getbuffer(), np.uint8)[:size]
    if isinstance(file, io.BufferedReader):
        return np.memmap(file, np.uint8, "r")[:size] if size <= MAX_BYTES else None
    if size > WHOLE_BYTES:  # elsewhere, or within another file
        return None
    file.seek(0)
    return np.frombuffer(file.read(size), np.uint8)


def _groups(values: np.ndarray) -> list[np.ndarray]:
    """For each different value, the rising indices where it stands."""
    order = np.argsort(values, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(values[order])) + 1)


def _seems_joined(file: BinaryIO, read, size: int) -> bool:
    """Whether samples of a large file show that a clock begins anew."""
    known: dict[int, int] = {}
    for place in np.linspace(0, size - PLACE_BYTES, PLACES).astype(int).tolist():
        # a multiple of both lengths of packets, so that a packet begins there
        file.seek(place - place % (188 * 48))
        stamps = read(np.frombuffer(file.read(PLACE_BYTES), np.uint8))
        if stamps is None:
            continue
        for stream, time in zip(stamps.streams.tolist(), stamps.decoded.tolist()):
            if stream in known and later(known[stream], time) < 0:
                return True
            known[stream] = time
    return False


def _cuts(stamps: Stamps) -> list[int]:
    """The indices of the packets where another clock begins."""
    numbers: list[int] = []
    for own in _groups(stamps.streams):
        decoded = stamps.decoded[own]
        steps = later(decoded[:-1], decoded[1:])
        for at in np.flatnonzero((steps < 0) | (steps > LONGEST_PAUSE)).tolist():
            # A single time stamp that is wrong is no other clock.
            around = decoded[[max(at - 1, 0), min(at + 2, len(own) - 1)]]
            step = later(around[0], around[1])
            if step < 0 or step > LONGEST_PAUSE:
                numbers.append(int(own[at + 1]))
    cuts: list[int] = []
    if len(numbers) > 10 * MAX_PARTS:
        return numbers
    for number in sorted(numbers):
        # All streams change at a join: the others' changes come soon after.
        seen = stamps.streams[cuts[-1] : number] if cuts else []
        if stamps.streams[number] in seen or not cuts:
            cuts.append(number)
    return cuts


def _moves(stamps: Stamps, part: np.ndarray) -> np.ndarray:
    """By how many ticks the time stamps of each part are moved."""
    is_video = np.isin(stamps.kinds, VIDEO)
    moves = [0]
    for number in range(1, part[-1] + 1):
        needed = []
        for kind in (is_video, ~is_video):
            before = np.flatnonzero((part == number - 1) & kind)
            after = np.flatnonzero((part == number) & kind)
            needed.append(_move(stamps, before, after))
        (move, step), (sound, _) = needed
        # Where few pictures have a time stamp, the sound tells better.
        if move is None or step > OVERLAP or (sound or 0) - move > OVERLAP:
            move = move if sound is None else sound
        moves.append(moves[-1] + (move or 0))
    return np.array(moves)


def _move(
    stamps: Stamps, before: np.ndarray, after: np.ndarray
) -> tuple[int | None, int]:
    """How to put packets right behind others.

    Args:
        stamps: Of the file.
        before: Indices of the earlier packets.
        after: Indices of the packets to move.

    Returns:
        Ticks to move by, None if there are no packets; and the usual ticks from one of
        the earlier packets to the next.
    """
    if not len(before) or not len(after):
        return None, 0
    origin = stamps.decoded[before[0]]
    shown = np.sort(later(origin, stamps.shown[before]))
    steps = np.diff(shown)
    step = int(np.median(steps[steps > 0])) if (steps > 0).any() else 0
    first = stamps.decoded[after[0]]
    earliest = int(later(first, stamps.shown[after]).min())
    end = max(
        int(shown[-1]) - earliest,
        int(later(origin, stamps.decoded[before]).max()),
    )
    return int(origin + end + step - first), step


def _moved(stamps: Stamps, moves: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places and values of the bytes of all time stamps that change."""
    places, values = [], []
    for at, ticks, chosen in (
        (0, stamps.shown, moves != 0),
        (5, stamps.decoded, (moves != 0) & stamps.two),
    ):
        time = (ticks + moves)[chosen] % WRAP
        coded = stamps.coded[chosen, at : at + 5].copy()
        coded[:, 0] = coded[:, 0] & 0xF1 | (time >> 30 & 7) << 1
        coded[:, 1] = time >> 22 & 0xFF
        coded[:, 2] = (time >> 15 & 0x7F) << 1 | 1
        coded[:, 3] = time >> 7 & 0xFF
        coded[:, 4] = (time & 0x7F) << 1 | 1
        places.append((stamps.places[chosen, None] + at + np.arange(5)).ravel())
        values.append(coded.ravel())
    return np.concatenate(places), np.concatenate(values)


def _joins(stamps: Stamps, part: np.ndarray, moves: np.ndarray) -> list[float]:
    """When the sound of each part but the first begins, in seconds."""
    joins = []
    is_sound = ~np.isin(stamps.kinds, VIDEO)
    for number in range(1, len(moves)):
        own = np.flatnonzero(is_sound & (part == number))
        if len(own):
            joins.append(float(stamps.shown[own].min() + moves[number]) / CLOCK)
    return joins


def _counters(content: np.ndarray, cuts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places and values of the packets' counters, made to go on from part to part.

    Transport packets are numbered. Where a part begins anew, FFmpeg would take packets
    for lost.
    """
    packets, lead, length = transport_packets(content)
    streams = (packets[:, 1].astype(int) & 0x1F) << 8 | packets[:, 2]
    counters = packets[:, 3] & 15
    part = np.searchsorted((cuts - lead) // length, np.arange(len(packets)), "right")
    changed = packets[:, 3].copy()
    with_content = np.flatnonzero(packets[:, 3] & 0x10)
    for group in _groups(streams[with_content]):
        own = with_content[group]
        number = counters[own].astype(int)
        steps = np.zeros(len(own), int)
        steps[1:] = np.where(np.diff(part[own]) > 0, number[:-1] + 1 - number[1:], 0)
        changed[own] = changed[own] & 0xF0 | (number + np.cumsum(steps)) % 16
    places = np.flatnonzero(changed != packets[:, 3])
    return places * length + lead + 3, changed[places]
