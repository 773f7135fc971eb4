"""Reading and decoding a stretch of video, holding a bounded part of it."""

from __future__ import annotations

import bisect
from collections import deque
from collections.abc import Iterator

import numpy as np

# If wanted frames are more seconds apart than this, seeking to a key frame may be
# shorter than reading on.
SEEK_GAP = 0.5
# The same where no index tells where the key frames are.
SEEK_GAP_WITHOUT_INDEX = 4.0
# In these codecs, a frame that says no other refers to it can be left out.
SKIPPABLE = {"h264", "mpeg4", "mpeg2video"}
# How many packets, and bytes, are read ahead before one is decoded: more than a decoder
# may reorder.
AHEAD = 32
AHEAD_BYTES = 8 << 20
# These store when a packet is decoded. Elsewhere FFmpeg guesses it from how many frames
# the decoder reorders, which may be wrong, so as many packets as that can be are read.
STORES_DECODING_TIME = {"mov", "mpegts", "flv", "avi"}
MAX_REORDERED = 16
# In AVI, a packet's number in decoding order exceeds that in the order of showing by at
# most this.
UNTIMED_DELAY = 18


class Stretch:
    """The frames from a key frame on, as far as wanted times are close together.

    Iterating gives times and frames in the order of showing. Usually each packet holds
    one frame and its time stamps are right. Then packets tell which frame is shown
    when, frames that are neither wanted nor referred to are left out, and reading stops
    early.

    Packets do not tell where one holds a field or several frames, or where time stamps
    are missing, repeated or out of order. From there on everything is decoded, and
    whoever iterates has to stop.

    Args:
        track: A ``VideoTrack`` whose container stands at the beginning of the stretch.
        wanted: Rising times, in seconds.
        from_start: Whether the stretch begins at the beginning of the file.
        exact: Whether to decode everything in any case.
    """

    def __init__(
        self, track, wanted: np.ndarray, from_start: bool, exact: bool = False
    ) -> None:
        self.track = track
        self.stream = track.stream
        self.from_start = from_start
        self.exact = exact
        #: The times that it covers; seeking is the shorter way to the others.
        self.wanted: list[float] = wanted[: self._reach(wanted)].tolist()
        self.lowest: int | None = None  # time stamp of a frame that is shown
        self.undecodable: set = set()
        self.corrupt: set = set()
        self._is_read = False
        self._settled = 0  # packets in a row that are decoded after all wanted frames
        self._decoding_time: int | None = None

    def __iter__(self) -> Iterator[tuple[float, object]]:
        context, tick = self.track.context, self.track.tick
        untimed = self.track.untimed
        delay = context.reorder_depth if untimed else 0
        first = last = read = skip = None
        for packet, needed in self._with_need():
            if skip is not (not needed):
                skip = not needed
                context.skip_frame = "NONREF" if skip else "DEFAULT"
            frames = self.track.decoder.decode(packet)
            if packet is not None:
                if frames is None or packet.is_corrupt:
                    place = packet.pos if packet.pos is not None else packet.dts
                    self.undecodable.add(place)
                if first is None and _is_shown(packet) and not untimed:
                    first = packet.pts
                read = packet.dts
            for frame in frames or ():
                stamp = frame.dts if untimed else frame.pts
                if stamp is None and not untimed:
                    stamp = frame.dts
                if stamp is not None:
                    stamp -= delay
                elif last is not None:
                    stamp = last + 1
                else:  # the end of the file came first
                    stamp = 0 if read is None else read + 1 - delay
                last = stamp
                # Frames shown before the key frame may refer to what was not read.
                if frame.is_corrupt and (first is None or stamp >= first):
                    self.corrupt.add(stamp)
                yield stamp * tick, frame

    def _reach(self, wanted: np.ndarray) -> int:
        """How many of the times are best reached by reading on from the first."""
        gaps = np.diff(wanted)
        for place in np.flatnonzero(gaps >= SEEK_GAP).tolist():
            if self._seek_helps(wanted[place], wanted[place + 1]):
                return place + 1
        return len(wanted)

    def _seek_helps(self, last: float, following: float) -> bool:
        """Whether seeking to the next wanted frame is shorter than reading on."""
        tick, tolerance = self.track.tick, self.track.tolerance
        last, following = last - tolerance, following - tolerance
        if not np.isfinite(last):
            return False
        entries = self.stream.index_entries
        count = len(entries)
        if count == 0 or entries[count - 1].timestamp * tick < last:
            return following - last > SEEK_GAP_WITHOUT_INDEX
        key = entries.search_timestamp(int(following / tick), backward=True)
        if key < 0 or entries[key].is_discard:
            return False
        return entries[key].timestamp * tick > last

    def _with_need(self) -> Iterator[tuple]:
        """Packets, and whether their frames are wanted; at last None, to flush."""
        reader = self._packets()
        if self.track.untimed:
            packet = None
            for packet in reader:
                yield packet, True
            if packet is not None:
                yield None, True
            return
        skippable = self.track.context.name in SKIPPABLE
        ahead: deque = deque()
        behind: deque = deque()
        known: list[int] = []  # time stamps in ``ahead`` and ``behind``, sorted
        size, any_read = 0, False
        while True:
            while len(ahead) < AHEAD and (size < AHEAD_BYTES or not ahead):
                packet = next(reader, None)
                if packet is None:
                    break
                any_read = True
                ahead.append(packet)
                size += packet.size
                if _is_shown(packet):
                    bisect.insort(known, packet.pts)
            if self._is_read and not self.exact:
                while ahead and not self._is_wanted(ahead[-1], known):
                    ahead.pop()
            if not ahead:
                break
            packet = ahead.popleft()
            size -= packet.size
            needed = self.exact or not skippable or self._is_wanted(packet, known)
            yield packet, needed
            if _is_shown(packet):
                behind.append(packet.pts)
            if len(behind) > AHEAD:
                del known[bisect.bisect_left(known, behind.popleft())]
        if any_read:
            yield None, True

    def _is_wanted(self, packet, known: list[int]) -> bool:
        """Whether the frame may be shown at a wanted time, as far as is known."""
        if not _is_shown(packet):
            return False
        tick, stamp = self.track.tick, packet.pts
        if stamp <= self.lowest and self.wanted[0] < stamp * tick:
            return True  # the first frame is also shown at all times before it
        time = bisect.bisect_left(self.wanted, stamp * tick)
        if time == len(self.wanted):
            return False
        following = bisect.bisect_right(known, stamp)
        if following == len(known):
            return True
        return self.wanted[time] < known[following] * tick

    def _packets(self) -> Iterator:
        """Reads packets from a key frame on, until no later one can be needed."""
        track = self.track
        begun = False
        for packet in track.source.packets(self.stream):
            if not begun:
                late = _is_shown(packet) and not track.untimed
                late = late and packet.pts * track.tick > self.wanted[0]
                if not self.from_start and (late or not packet.is_keyframe):
                    if late:
                        break
                    continue
                begun = True
            if not self.exact and not track.untimed:
                self._look(packet)
            if not self.exact and self._suffices(packet):
                self._is_read = True
                yield packet
                return
            yield packet
        self._is_read = True

    def _look(self, packet) -> None:
        """Sets ``exact`` once packets do not tell which frame is shown when."""
        headers = self.track.headers
        headers.look(packet)
        if packet.is_discard:  # decoded, but never shown
            self.exact = not headers.frame_a_packet
            return
        pts, dts = packet.pts, packet.dts
        last, self._decoding_time = self._decoding_time, dts
        self.exact = (
            not headers.frame_a_packet
            or pts is None
            or dts is None
            or dts > pts
            or (last is not None and dts <= last)
        )
        if pts is not None:
            self.lowest = pts if self.lowest is None else min(self.lowest, pts)

    def _suffices(self, packet) -> bool:
        """Whether no packet that follows can hold a wanted frame."""
        tick = self.track.tick
        if self.track.untimed:
            now = -np.inf if packet.dts is None else packet.dts - UNTIMED_DELAY
            return now * tick > self.wanted[-1]
        if packet.is_discard:
            return False
        until = max(self.wanted[-1], self.lowest * tick)
        if packet.pts * tick <= until:
            self._settled = 0
        elif packet.dts * tick > until:
            self._settled += 1
        stores = self.track.source.demuxer in STORES_DECODING_TIME
        return self._settled > (0 if stores else MAX_REORDERED)


def _is_shown(packet) -> bool:
    return packet.pts is not None and not packet.is_discard
