"""When a stream ends: as its container says if that is so, else by its packets."""

from __future__ import annotations

from collections.abc import Callable, Iterator

# The header of these states how long each stream is, and an index lets us check that.
# For others FFmpeg guesses it from the first and the last packets of the whole file.
STATES_DURATION = {"mov", "avi"}
# Containers that may hold video. Others hold one stream of sound, and FFmpeg knows how
# long it is.
HOLDS_FRAMES = {"mov", "avi", "matroska", "mpegts", "mpeg", "flv", "asf"}
# Seconds that the last frame is shown at most, or what is stated is not believed.
LONGEST_LAST = 1.0
# How many seconds before the presumed end packets are read from, in turn; None reads
# from the beginning.
STEPS_BACK = (1.0, 10.0, None)


def end_of(
    source, stream, seek: Callable[[float | None], None], shown: float = 0
) -> float | None:
    """When a stream ends, in ticks.

    Some files state a wrong end, and FFmpeg gives the end of a fragmented MP4 file as
    its duration. So what is stated is compared with the index, and with the last
    packets where the index leaves a doubt.

    Args:
        source: The open container.
        stream: One of its streams.
        seek: Goes to a time of the stream, in seconds; None is the beginning.
        shown: How many ticks a packet takes that does not say how long it is.

    Returns:
        None if nothing tells.
    """
    stated = _stated(source, stream)
    if stated is not None and _is_sure(source, stream, stated):
        return stated
    last = end = None
    for stamp, duration in _last_packets(source, stream, seek):
        last = stamp if last is None else max(stamp, last)
        end = max(stamp + (duration or shown), stamp if end is None else end)
    # MP4 says of packets how long they are decoded, not how long frames are shown.
    return stated if stated is not None and (last is None or stated > last) else end


def _stated(source, stream) -> int | None:
    """The end that the container states; None if its index contradicts it."""
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


def _is_sure(source, stream, end: int) -> bool:
    """Whether the index alone proves that no frame begins after this end.

    The index tells when packets are decoded, not when frames are shown. But where all
    packets are equally far apart, the last frame is shown as long after its packet as
    the first frame after its own.
    """
    if source.demuxer != "mov" or stream.type != "video":
        return True
    entries = stream.index_entries
    count = len(entries)
    first, last = entries[0].timestamp, entries[count - 1].timestamp
    step = entries[1].timestamp - first if count > 1 else 0
    delay = (stream.start_time or 0) - first
    return last - first == step * (count - 1) and end - last >= delay >= 0


def _last_packets(source, stream, seek) -> Iterator[tuple[int, int | None]]:
    """Time stamps and durations of packets up to the end of the file."""
    last, entries = source.end, stream.index_entries
    if source.demuxer == "mov" and len(entries):
        last = float(entries[len(entries) - 1].timestamp * stream.time_base)
    # After seeking in AVI without an index, packets are numbered from zero.
    untimed = source.demuxer == "avi"
    found = False
    for back in (None,) if untimed or last is None else STEPS_BACK:
        seek(None if back is None else last - back)
        for packet in source.packets(stream):
            stamp = packet.dts if untimed or packet.pts is None else packet.pts
            if stamp is not None and not packet.is_discard:
                found = True
                yield stamp, packet.duration
        if found:
            return
