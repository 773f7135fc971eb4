"""The sound of a time window, with PyAV."""

from __future__ import annotations

import bisect

import numpy as np

from ..trust.errors import FileErrors, MediaLimitError
from .packet_source import Source
from .sound import downmix, native_window, resample, to_float
from .stream_end import end_of

# Seconds before a window from which sound is decoded. Decoders need what comes before:
# MP3's bit reservoir, Opus' convergence, overlapping blocks.
PREROLL = 0.3
# Seconds on either side of the window that the resampler sees.
MARGIN = 0.05
# Time stamps that jump by more seconds than this are a gap; less is rounding.
GAP = 0.03
# Decoded sound that is more seconds away from the window than this is dropped.
NEAR = 10.0
# Full scale is 1. A sample beyond this, the full scale of 32 bits, has no meaning.
LOUDEST = 2.0**31
# A window longer than this, in seconds, without any sound in it is damage.
MISSING = 0.1
# Containers without gaps: the share of a window in which there must be sound.
LEAST = dict.fromkeys(("mov", "avi", "wav", "aiff", "caf"), 0.5) | {"flac": 0.98}
# More than any file has that is meant to be heard.
MAX_CHANNELS = 64
MAX_SAMPLE_RATE = 1_000_000
MAX_FRAME_SAMPLES = 1 << 20


class AudioTrack:
    """One audio stream of an open container.

    Args:
        source: The container.
        stream: One of its audio streams.
    """

    def __init__(self, source: Source, stream) -> None:
        self.source = source
        self.stream = stream
        self.context = stream.codec_context
        self.tick = float(stream.time_base)
        self.context.thread_count = 1
        self.context.options = {
            "max_samples": str(MAX_FRAME_SAMPLES),
            "err_detect": "crccheck+explode",
        }
        self._check(self.context)
        self._extent: tuple[float, float] | None = None
        self._has_packets = False  # as far as has been read

    @property
    def extent(self) -> tuple[float, float]:
        """When the sound begins and ends."""
        if self._extent is None:
            start = (self.stream.start_time or 0) * self.tick
            end = end_of(self.source, self.stream, self._seek)
            self._extent = start, start if end is None else max(start, end * self.tick)
            seconds = self._extent[1] - self._extent[0]
            self.source.limits.check(self.source.path, seconds=seconds)
        return self._extent

    def waveform(self, start: float, stop: float, sample_rate: int) -> np.ndarray:
        """See :meth:`MediaReader.waveform`."""
        length = round((stop - start) * sample_rate)
        pieces = self._decode(start - 2 * MARGIN, stop + 2 * MARGIN)
        self._note_missing(start, stop, pieces)
        output = np.zeros(length, np.float32)
        for rate in {rate for rate, _, _ in pieces}:
            begin, end, drop = native_window(start, length, rate, sample_rate, MARGIN)
            native = np.zeros(end - begin, np.float32)
            for piece_rate, first, samples in pieces:
                if piece_rate == rate:
                    _place(native, samples, first - begin)
            wrong = np.flatnonzero(~(np.abs(native) <= LOUDEST))  # also if not a number
            native[wrong] = 0
            note = "sound samples without a value"
            self.source.damage.note(note, (wrong + begin).tolist())
            window = resample(native, rate, sample_rate)[drop : drop + length]
            output[: len(window)] += window
        return np.clip(output, -1, 1, out=output)

    def _note_missing(self, start: float, stop: float, pieces: list) -> None:
        """Notes damage if a window has no sound where there should be some.

        Where containers cannot have gaps, it is enough that much of it is missing.
        """
        start, stop = max(start, self.extent[0]), min(stop, self.extent[1])
        there = 0.0
        for rate, first, samples in pieces:
            ends = first / rate, (first + len(samples)) / rate
            there += max(min(stop, ends[1]) - max(start, ends[0]), 0)
        least = LEAST.get(self.source.demuxer, 0) * (stop - start)
        promised = self._has_packets or (self.stream.duration or 0) > 0
        is_empty = self.extent[0] >= self.extent[1] and promised
        if is_empty or (stop - start > MISSING and there <= least):
            note = "sound is missing within the time that it takes"
            self.source.damage.note(note, [start])

    def _decode(self, start: float, stop: float) -> list[tuple[int, int, np.ndarray]]:
        """Decodes a window.

        Returns:
            Uninterrupted stretches: rate, number of the first sample on the clock, and
            mono samples.
        """
        self._seek(start - PREROLL)
        stretches: list[_Stretch] = []
        undecodable = []
        joined = None
        held, most = 0.0, stop - start + 3 * NEAR
        is_beyond = False
        for packet in self.source.packets(self.stream):
            self._has_packets = True
            joined, before = self._join(packet), joined
            late = packet.dts is not None and packet.dts * self.tick > stop
            late = late and not packet.is_discard
            if late and is_beyond:
                break
            if is_beyond and joined == before:
                self.source.damage.note("sound whose time stamps jump", [packet.pos])
            is_beyond = late
            if packet.is_discard or joined != before:
                # Edits and joined parts need not meet in a sample.
                for stretch in stretches[-1:]:
                    stretch.is_closed = True
            frames = self._frames(packet)
            # Before the window, a packet may refer to what was not read.
            if (frames is None or packet.is_corrupt) and self._is_after(packet, start):
                undecodable.append(packet.pos)
            for frame in frames or ():
                held += self._keep(frame, stretches, start, stop)
            if held > most:
                note = "more sound than there is room for between its time stamps"
                self.source.damage.note(note)
                break
        else:
            for frame in self._frames(None) or ():
                self._keep(frame, stretches, start, stop)
        self.context.flush_buffers()
        note = "audio packets that cannot be decoded"
        self.source.damage.note(note, undecodable)
        return [stretch.placed() for stretch in stretches]

    def _join(self, packet) -> int | None:
        """In a joined file, the number of the part that a packet belongs to."""
        if packet.pts is None or not self.source.joins:
            return None
        # the margin is for rounding; parts are further apart
        return bisect.bisect_right(self.source.joins, packet.pts * self.tick + 1e-4)

    def _is_after(self, packet, time: float) -> bool:
        return packet.pts is None or packet.pts * self.tick >= time

    def _frames(self, packet) -> list | None:
        """The frames a packet completes; None if it cannot be decoded."""
        self.source.deadline.check()
        try:
            return self.context.decode(packet)
        except Exception:  # whatever a decoder raises is the file's
            return None

    def _keep(self, frame, stretches: list, start: float, stop: float) -> float:
        """Appends a frame to a stretch unless it is too far from the window.

        Returns:
            Seconds that were appended.
        """
        time = start if frame.pts is None else frame.pts * self.tick
        if not start - NEAR <= time <= stop + NEAR:
            return 0.0
        with FileErrors(self.source.path, "decoded"):
            if not stretches or not stretches[-1].extend(frame):
                self._check(frame)
                stretches.append(_Stretch(frame))
            return frame.samples / frame.sample_rate

    def _check(self, sound) -> None:
        """Raises if a codec context or a frame says what no sound has."""
        found = {
            "channels": (sound.layout.nb_channels, MAX_CHANNELS),
            "samples a second": (sound.sample_rate, MAX_SAMPLE_RATE),
        }
        for name, (value, limit) in found.items():
            if value > limit:
                raise MediaLimitError(
                    self.source.path, f"has {value} {name}, the limit is {limit}"
                )

    def _seek(self, seconds: float | None) -> None:
        """Goes to a time; the encoder's priming may lie up to a second earlier."""
        earliest = (self.stream.start_time or 0) - round(1 / self.tick)
        self.source.seek(self.stream, seconds, earliest)


class _Stretch:
    """Decoded frames that follow one another without a gap.

    Containers round time stamps, to a millisecond in Matroska. The median over all
    frames tells better than the first one where the stretch begins.
    """

    def __init__(self, frame) -> None:
        self.rate = frame.sample_rate
        self.layout = frame.layout.name
        self.channels = [channel.name for channel in frame.layout.channels]
        # 0 or None where there are no time stamps
        self.time_base = frame.time_base
        self.pieces: list[np.ndarray] = []
        self.length = 0
        self.starts: list[float] = []
        self.is_closed = False
        self._append(frame, self._time(frame) or 0.0)

    def extend(self, frame) -> bool:
        """Appends a frame unless it lies elsewhere."""
        if frame.sample_rate != self.rate or frame.layout.name != self.layout:
            return False
        if self.is_closed:
            return False
        time = self._time(frame)
        start = None if time is None else time - self.length / self.rate
        if start is not None and abs(start - self.starts[0]) > GAP:
            return False
        self._append(frame, start)
        return True

    def placed(self) -> tuple[int, int, np.ndarray]:
        """Rate, number of the first sample on the clock, and the samples."""
        first = round(float(np.median(self.starts)) * self.rate)
        return self.rate, first, np.concatenate(self.pieces)

    def _time(self, frame) -> float | None:
        stamp = frame.pts if frame.pts is not None else frame.dts
        if stamp is None or not self.time_base:
            return None
        return stamp * self.time_base.numerator / self.time_base.denominator

    def _append(self, frame, start: float | None) -> None:
        if start is not None:
            self.starts.append(start)
        self.pieces.append(downmix(to_float(frame), self.channels))
        self.length += frame.samples


def _place(target: np.ndarray, samples: np.ndarray, offset: int) -> None:
    """Copies the part of ``samples`` that lies within ``target``."""
    begin, end = max(offset, 0), min(offset + len(samples), len(target))
    if begin < end:
        target[begin:end] = samples[begin - offset : end - offset]
