"""When a stream ends: as its container says where that holds, else by its packets."""

from __future__ import annotations

from collections.abc import Callable

# The header of these states how long each stream is; an index bears it out or not.
# Elsewhere FFmpeg guesses it from the first and the last packets of the whole file.
STATES_DURATION = {"mov", "avi"}
# Of these only sound is read, and they hold one stream: what FFmpeg says is that one's.
HOLDS_FRAMES = {"mov", "avi", "matroska", "mpegts", "mpeg", "flv", "asf"}
# Seconds that the last frame may be stated to be shown.
LONGEST_LAST = 1.0
STEPS_BACK = (1.0, 10.0, None)


def stated_end(source, stream) -> int | None:
    """The end that the container states, in ticks of the stream.

    FFmpeg's duration of a fragmented MP4 file is no duration but the end on the file's
    clock, and some files say what is not so. So it is compared with the index.

    Returns:
        None if the container does not say, or its index says otherwise.
    """
    start, duration = stream.start_time or 0, stream.duration or 0
    if duration <= 0 or source.cut is not None:
        return None
    if source.demuxer not in HOLDS_FRAMES:
        return start + duration
    entries = stream.index_entries
    count = len(entries)
    if source.demuxer not in STATES_DURATION or count == 0:
        return None
    if source.demuxer == "mov" and stream.frames != count:  # fragments, or edits
        return None
    end = start + duration
    shown = (end - entries[count - 1].timestamp) * stream.time_base
    return end if 0 < shown <= LONGEST_LAST else None


def measured_end(
    source, stream, seek: Callable[[float | None], None], shown: float, untimed: bool
) -> int | None:
    """The end of the last packet, in ticks of the stream.

    Args:
        source: The open container.
        stream: Of which stream.
        seek: Goes to a time of the stream, in seconds; None is the beginning.
        shown: Ticks that a packet counts which does not say how long it is.
        untimed: Whether there are no time stamps but places in decoding order.

    Returns:
        None if no packet tells.
    """
    last, entries = source.end, stream.index_entries
    if source.demuxer == "mov" and len(entries):
        last = float(entries[len(entries) - 1].timestamp * stream.time_base)
    end = None
    # After seeking in AVI without an index, packets are numbered from zero.
    for back in (None,) if untimed or last is None else STEPS_BACK:
        seek(None if back is None else last - back)
        for packet in source.packets(stream):
            stamp = packet.dts if untimed or packet.pts is None else packet.pts
            if stamp is not None and not packet.is_discard:
                stamp += packet.duration or shown
                end = stamp if end is None else max(stamp, end)
        if end is not None:
            break
    return end
