"""Exact frames of a video stream, by time, with PyAV."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np

from ..reading.view import View
from ..structure.codec_headers import CodecHeaders
from ..trust.errors import UnreadableMediaError
from .frame_converter import FrameConverter, own_memory
from .frame_decoder import FrameDecoder
from .packet_source import Source
from .stream_end import end_of
from .stretch import Stretch

# A time stamp is known to half a tick of the container's clock; some clocks are coarse.
MAX_TOLERANCE = 0.0005
# Seconds before a wanted time at which decoding begins, tried one after the other.
STEPS_BACK = (0.0, 0.5, 2.0, 8.0, 32.0)


class PacketNote(NamedTuple):
    """What a packet says about itself, without its content."""

    pts: int | None
    is_keyframe: bool
    is_discard: bool


class VideoTrack:
    """One video stream of an open container.

    Args:
        source: The container.
        stream: One of its video streams.
        square_pixels: Whether frames are scaled to the shape they are shown in.
    """

    def __init__(self, source: Source, stream, square_pixels: bool = True) -> None:
        self.source = source
        self.stream = stream
        self.context = stream.codec_context
        self.tick = float(stream.time_base)
        self.tolerance = min(self.tick / 2, MAX_TOLERANCE)
        # AVI has no time stamps, only an order of decoding. The time stamps that FFmpeg
        # makes of it are late by the decoder's delay, and do not even rise for H.264.
        self.untimed = source.demuxer == "avi"
        # In MPEG program streams FFmpeg's time stamps depend on where reading began.
        self.steps_back = () if source.demuxer == "mpeg" else STEPS_BACK
        self.headers = CodecHeaders(self.context.name, self.context.extradata)
        self.converter = FrameConverter(source, stream, self.headers, square_pixels)
        self.decoder = FrameDecoder(source, stream)
        self._extent: tuple[float, float] | None = None
        self._has_begun = False
        self._begins_whole = True  # with a key frame

    def frames_at(
        self,
        times: Sequence[float],
        short_side: int | None = None,
        view: View | None = None,
    ) -> list[np.ndarray]:
        """See :meth:`MediaReader.frames_at`."""
        times = np.asarray(times, np.float64)
        if not np.isfinite(times).all():
            raise ValueError("times must be finite numbers")
        wanted, places = np.unique(times, return_inverse=True)
        images = list(self.in_order(wanted, short_side, view))
        return list(own_memory([images[place] for place in places.ravel()]))

    def in_order(
        self,
        times: Sequence[float],
        short_side: int | None = None,
        view: View | None = None,
    ) -> Iterator[np.ndarray]:
        """See :meth:`MediaReader.frames_in_order`."""
        frames = self.shown_at(np.asarray(times, np.float64))
        return self.converter.convert(frames, short_side, view)

    def shown_at(self, wanted: np.ndarray) -> Iterator:
        """Decodes the frame shown at each of rising times; nothing is converted."""
        done = 0
        while done < len(wanted):
            rest = wanted[done:] + self.tolerance
            for back, exact in self._attempts(rest[0]):
                self._seek(None if back is None else rest[0] - back)
                stretch = Stretch(self, rest, from_start=back is None, exact=exact)
                before = done
                for frame in self._shown_in(stretch):
                    yield frame
                    done += 1
                if done > before:
                    break
            else:
                raise UnreadableMediaError(
                    self.source.path,
                    "no video frame can be decoded",
                    "the file may be damaged",
                )
            self._note_damage(stretch)

    def every_frame(self) -> Iterator[tuple[float, object]]:
        """Decodes the whole file: times and frames, in the order of showing.

        Time stamps that are repeated or out of order are given as they are.
        """
        self._seek(None)
        stretch = Stretch(self, np.array([np.inf]), from_start=True, exact=True)
        yield from stretch
        self.decoder.flush()
        self._note_damage(stretch)

    def frames_from(self, start: float) -> Iterator[tuple[float, object]]:
        """Decodes from the frame shown at a time on: times and frames, in order.

        Some frames before it may come first. Time stamps are given as they are.
        """
        wanted = np.array([np.inf])
        for back, _ in self._attempts(start):
            self._seek(None if back is None else start - back)
            stretch = Stretch(self, wanted, from_start=back is None, exact=True)
            frames = iter(stretch)
            first = next(frames, None)
            begins_early = first is not None and first[0] <= start + self.tolerance
            try:
                if begins_early or back is None:
                    yield from chain([first] if first else [], frames)
                    return
            finally:
                self.decoder.flush()
                if begins_early or back is None:
                    self._note_damage(stretch)

    def first_frame(self):
        """The first decodable frame."""
        return next(self.shown_at(np.array([-np.inf])))

    def stored_size(self) -> tuple[int, int]:
        """Width and height of a frame in square pixels, before it is turned upright."""
        width, height = self.context.width, self.context.height
        if not (width and height):
            frame = self.first_frame()
            width, height = frame.width, frame.height
        return self.converter.shown_size(width, height)

    @property
    def extent(self) -> tuple[float, float]:
        """When the first frame appears and when the last one disappears."""
        if self._extent is None:
            start = self._start()
            shown = self._frame_duration() / self.tick
            end = end_of(self.source, self.stream, self._seek, shown)
            end = start if end is None else end * self.tick
            if end <= start:
                end = start + self._frame_duration()
            self.source.limits.check(self.source.path, seconds=end - start)
            self._extent = start, end
        return self._extent

    def packets(self) -> list[PacketNote]:
        """Notes of all packets in decoding order; reads the whole file."""
        self._seek(None)
        return [
            PacketNote(packet.pts, packet.is_keyframe, packet.is_discard)
            for packet in self.source.packets(self.stream)
        ]

    def _start(self) -> float:
        """When the first frame appears."""
        start = (self.stream.start_time or 0) * self.tick
        self._begin()
        if self._begins_whole or self.untimed:
            return start
        stamp = self.first_frame().pts
        return start if stamp is None else stamp * self.tick

    def _frame_duration(self) -> float:
        rate = self.stream.average_rate or self.stream.guessed_rate
        return float(1 / rate) if rate else 0.04

    def _seek(self, seconds: float | None) -> None:
        """Goes to the key frame at or before a time; None is the beginning."""
        earliest = (self.stream.start_time or 0) - round(10 / self.tick)
        if seconds is not None:
            self._begin()
        self.source.seek(self.stream, seconds, earliest)

    def _begin(self) -> None:
        """Reads the first packet, once, and decodes it where others depend on it.

        The decoder remembers what it says, also when it is flushed.
        """
        if self._has_begun:
            return
        self._has_begun = True
        self._seek(None)
        first = next(self.source.packets(self.stream), None)
        if first is None:
            return
        start, stamp = self.stream.start_time, first.pts
        late = None not in (start, stamp) and stamp > start
        self._begins_whole = first.is_keyframe and not late
        if self.headers.needs_first(first):
            self.decoder.decode(first)
            self.decoder.flush()

    def _attempts(self, first: float) -> Iterator[tuple[float | None, bool]]:
        """Ways to reach a time; the next is tried if decoding began too late.

        Yields:
            Seconds to go back from the time, None to the beginning; and whether to
            decode everything.
        """
        start = self.stream.start_time
        if start is None or first >= start * self.tick:
            yield from ((back, False) for back in self.steps_back)
        yield None, False
        yield None, True

    def _shown_in(self, stretch: Stretch) -> Iterator:
        """The frames of a stretch that are shown at its times.

        Nothing is given if decoding began after the first time, unless the file begins
        there.
        """
        wanted = stretch.wanted
        previous = None
        count = 0
        for time, frame in stretch:
            if (
                previous is None
                and time > wanted[0]
                and not self._is_first(stretch, time)
            ):
                return
            while count < len(wanted) and time > wanted[count]:
                yield previous or frame
                count += 1
            previous = frame
            if count == len(wanted):
                break
        while previous is not None and count < len(wanted):
            yield previous
            count += 1
        self.decoder.flush()

    def _is_first(self, stretch: Stretch, time: float) -> bool:
        """Whether a stretch's first frame, shown at a time, is the file's first."""
        if stretch.exact or self.untimed:
            return stretch.from_start
        return stretch.from_start and time <= stretch.lowest * self.tick

    def _note_damage(self, stretch: Stretch) -> None:
        damage = self.source.damage
        damage.note("video packets that cannot be decoded", stretch.undecodable)
        damage.note("video frames that are decoded in part", stretch.corrupt)
