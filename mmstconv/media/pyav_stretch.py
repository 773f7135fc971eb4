"""Reading and decoding a stretch of video, holding a bounded part of it."""

from __future__ import annotations

import bisect
from collections import deque
from collections.abc import Iterator

import numpy as np

# Between wanted frames further apart than this, a key frame is looked for.
SEEK_GAP = 0.5
# The same where the container has no index that tells where the key frames are.
SEEK_GAP_WITHOUT_INDEX = 4.0
# Frames of these codecs that say they are no reference really are none.
SKIPPABLE = {"h264", "mpeg4", "mpeg2video"}
# Packets that are looked at before one is decoded: more than a decoder may reorder.
AHEAD = 32
AHEAD_BYTES = 8 << 20
# AVI's place in decoding order is behind the time of showing by at most so much.
UNTIMED_DELAY = 18


class Stretch:
    """The frames from a key frame on until they suffice for the first few times.

    Iterating gives times and frames in the order of showing. What is neither wanted
    nor referred to is left out: which frame is shown at a time is told by the time
    stamps of the packets around it. More than enough are in view for that, and with
    fewer a frame would only be decoded in vain.

    Args:
        track: A ``VideoTrack``; its container stands at the beginning of the stretch.
        wanted: Rising times, in seconds.
        from_start: Whether that is the beginning of the file.
    """

    def __init__(self, track, wanted: np.ndarray, from_start: bool) -> None:
        self.track = track
        self.stream = track.stream
        self.wanted: list[float] = wanted.tolist()
        self.from_start = from_start
        self.count = 1  # for how many times what has been read suffices
        self.is_read = False
        self.undecodable: set = set()
        self.corrupt: set = set()

    def __iter__(self) -> Iterator[tuple[float, object]]:
        context, tick = self.track.context, self.track.tick
        untimed = self.track.untimed
        delay = context.reorder_depth if untimed else 0
        first = last = skip = None
        for packet, needed in self._with_need():
            if skip is not (not needed):
                skip = not needed
                context.skip_frame = "NONREF" if skip else "DEFAULT"
            frames = self.track.decode(packet)
            if packet is not None:
                if frames is None or packet.is_corrupt:
                    place = packet.pos if packet.pos is not None else packet.dts
                    self.undecodable.add(place)
                if first is None and not untimed:
                    first = packet.pts
            for frame in frames or ():
                stamp = frame.dts if untimed else frame.pts
                if stamp is None and not untimed:
                    stamp = frame.dts
                if stamp is None:
                    stamp = 0 if last is None else last + 1
                else:
                    stamp -= delay
                last = stamp
                # Before the key frame may come some that refer to what was not read.
                if frame.is_corrupt and (first is None or stamp >= first):
                    self.corrupt.add(stamp)
                yield stamp * tick, frame

    def _with_need(self) -> Iterator[tuple]:
        """Packets, and whether their frames are wanted; None at last."""
        if self.track.untimed or self.track.context.name not in SKIPPABLE:
            packet = None
            for packet in self._packets():
                yield packet, True
            if packet is not None:
                yield None, True
            return
        reader = self._packets()
        ahead: deque = deque()
        behind: deque = deque()
        known: list[int] = []  # time stamps of both, sorted
        lowest, size, timed = None, 0, True
        while True:
            while len(ahead) < AHEAD and (size < AHEAD_BYTES or not ahead):
                packet = next(reader, None)
                if packet is None:
                    break
                ahead.append(packet)
                size += packet.size
                if packet.pts is None:
                    timed = False
                else:
                    bisect.insort(known, packet.pts)
                    lowest = packet.pts if lowest is None else min(lowest, packet.pts)
            if not ahead:
                break
            packet = ahead.popleft()
            size -= packet.size
            yield packet, not timed or self._is_wanted(packet.pts, known, lowest)
            behind.append(packet.pts)
            if len(behind) > AHEAD:
                stamp = behind.popleft()
                if stamp is not None:
                    del known[bisect.bisect_left(known, stamp)]
        if behind:
            yield None, True

    def _is_wanted(self, stamp: int, known: list[int], lowest: int) -> bool:
        """Whether the frame is shown at a wanted time, as far as can be seen."""
        tick = self.track.tick
        if stamp <= lowest and self.wanted[0] < stamp * tick:
            return True  # before the first frame, the first is shown
        time = bisect.bisect_left(self.wanted, stamp * tick)
        if time == len(self.wanted):
            return False
        following = bisect.bisect_right(known, stamp)
        if following == len(known):
            return True
        return self.wanted[time] < known[following] * tick

    def _packets(self) -> Iterator:
        """Reads from a key frame on, until it suffices for as many times as is best."""
        track, wanted = self.track, self.wanted
        begun = False
        for packet in track.source.packets(self.stream):
            if not begun:
                late = packet.pts is not None and not track.untimed
                late = late and packet.pts * track.tick > wanted[0]
                if not self.from_start and (late or not packet.is_keyframe):
                    if late:
                        break
                    continue
                begun = True
            yield packet
            if packet.dts is None:
                continue
            now = packet.dts * track.tick
            if track.untimed:
                now -= UNTIMED_DELAY * track.tick
            while now > wanted[self.count - 1]:
                if self.count == len(wanted) or self._seek_helps():
                    self.is_read = True
                    return
                self.count += 1
        else:
            self.count = len(wanted)
        self.is_read = True

    def _seek_helps(self) -> bool:
        """Whether to the next wanted frame there is a shorter way than reading on."""
        tolerance = self.track.tolerance
        last, following = (
            time - tolerance for time in self.wanted[self.count - 1 : self.count + 1]
        )
        if following - last < SEEK_GAP:
            return False
        entries = self.stream.index_entries
        if len(entries) == 0:
            return following - last > SEEK_GAP_WITHOUT_INDEX
        key = entries.search_timestamp(int(following / self.track.tick), backward=True)
        return key >= 0 and entries[key].timestamp * self.track.tick > last
