"""The sound of a time window, with PyAV."""

from __future__ import annotations

import av
import numpy as np

from .errors import MediaLimitError
from .pyav_source import Source
from .sound import downmix, native_window, resample, to_float

# Decoders need what comes before: MP3's bit reservoir, Opus' convergence, overlaps.
PREROLL = 0.3
# What the resampler sees beyond the window.
MARGIN = 0.05
# Time stamps that jump further than this are a gap, others are rounding.
GAP = 0.03
# Decoded sound further from the window than this is dropped, not held.
NEAR = 10.0
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
        self.context.options = {"max_samples": str(MAX_FRAME_SAMPLES)}
        self._check(self.context)
        self._extent: tuple[float, float] | None = None

    @property
    def extent(self) -> tuple[float, float]:
        """When the sound begins and ends."""
        if self._extent is None:
            start = (self.stream.start_time or 0) * self.tick
            if self.stream.duration is not None and self.stream.duration > 0:
                self._extent = start, start + self.stream.duration * self.tick
            else:
                self._extent = start, self._measure(start)
            seconds = self._extent[1] - self._extent[0]
            self.source.limits.check(self.source.path, seconds=seconds)
        return self._extent

    def waveform(self, start: float, stop: float, sample_rate: int) -> np.ndarray:
        """See :meth:`MediaReader.waveform`."""
        length = round((stop - start) * sample_rate)
        pieces = self._decode(start - 2 * MARGIN, stop + 2 * MARGIN)
        output = np.zeros(length, np.float32)
        for rate in {rate for rate, _, _ in pieces}:
            begin, end, drop = native_window(start, length, rate, sample_rate, MARGIN)
            native = np.zeros(end - begin, np.float32)
            for piece_rate, first, samples in pieces:
                if piece_rate == rate:
                    _place(native, samples, first - begin)
            window = resample(native, rate, sample_rate)[drop : drop + length]
            output[: len(window)] += window
        return np.clip(output, -1, 1, out=output)

    def _decode(self, start: float, stop: float) -> list[tuple[int, int, np.ndarray]]:
        """Decodes a window.

        Returns:
            Uninterrupted stretches: rate, number of the first sample on the clock, and
            mono samples.
        """
        self._seek(start - PREROLL)
        stretches: list[_Stretch] = []
        undecodable = []
        for packet in self.source.packets(self.stream):
            frames = self._frames(packet)
            # Right after seeking, a decoder may lack what came before.
            if (frames is None or packet.is_corrupt) and self._is_after(packet, start):
                undecodable.append(packet.pos)
            for frame in frames or ():
                self._keep(frame, stretches, start, stop)
            if packet.dts is not None and packet.dts * self.tick > stop:
                break
        else:
            for frame in self._frames(None) or ():
                self._keep(frame, stretches, start, stop)
        self.context.flush_buffers()
        note = "audio packets that cannot be decoded"
        self.source.damage.note(note, undecodable)
        return [stretch.placed() for stretch in stretches]

    def _is_after(self, packet, time: float) -> bool:
        return packet.pts is None or packet.pts * self.tick >= time

    def _frames(self, packet) -> list | None:
        """The frames a packet completes; None if it cannot be decoded."""
        self.source.deadline.check()
        try:
            return self.context.decode(packet)
        except av.FFmpegError:
            return None

    def _keep(self, frame, stretches: list, start: float, stop: float) -> None:
        """Appends a frame to a stretch unless it is too far from the window."""
        time = start if frame.pts is None else frame.pts * self.tick
        if not start - NEAR <= time <= stop + NEAR:
            return
        if stretches and stretches[-1].seconds > stop - start + 3 * NEAR:
            return
        if not stretches or not stretches[-1].extend(frame):
            self._check(frame)
            stretches.append(_Stretch(frame))

    def _check(self, sound) -> None:
        """Raises if no sound is like this; of a codec context or a frame."""
        found = {
            "channels": (sound.layout.nb_channels, MAX_CHANNELS),
            "samples a second": (sound.sample_rate, MAX_SAMPLE_RATE),
        }
        for name, (value, limit) in found.items():
            if value > limit:
                raise MediaLimitError(
                    self.source.path, f"has {value} {name}, the limit is {limit}"
                )

    def _measure(self, start: float) -> float:
        """The end from the time stamps at the end of the file."""
        last = self.source.end
        end = start
        for back in (1.0, None):
            self._seek(None if last is None or back is None else last - back)
            for packet in self.source.packets(self.stream):
                if packet.pts is not None:
                    end = max(end, (packet.pts + (packet.duration or 0)) * self.tick)
            if end > start or last is None:
                break
        return end

    def _seek(self, seconds: float | None) -> None:
        """To a time; not before a second before the beginning, where priming begins."""
        earliest = (self.stream.start_time or 0) - round(1 / self.tick)
        self.source.seek(self.stream, seconds, earliest)


class _Stretch:
    """Decoded frames that follow one another without a gap.

    Containers round time stamps, to a millisecond in Matroska. All time stamps together
    tell better where the stretch lies than the first one does.
    """

    def __init__(self, frame) -> None:
        self.rate = frame.sample_rate
        self.layout = frame.layout.name
        self.channels = [channel.name for channel in frame.layout.channels]
        # of all frames of a stream; 0 or None where there are no time stamps
        self.time_base = frame.time_base
        self.pieces: list[np.ndarray] = []
        self.length = 0
        self.starts: list[float] = []
        self._append(frame, self._time(frame) or 0.0)

    def extend(self, frame) -> bool:
        """Appends a frame unless it lies elsewhere."""
        if frame.sample_rate != self.rate or frame.layout.name != self.layout:
            return False
        time = self._time(frame)
        start = None if time is None else time - self.length / self.rate
        if start is not None and abs(start - self.starts[0]) > GAP:
            return False
        self._append(frame, start)
        return True

    @property
    def seconds(self) -> float:
        return self.length / self.rate

    def placed(self) -> tuple[int, int, np.ndarray]:
        first = round(float(np.median(self.starts)) * self.rate)
        samples = np.concatenate(self.pieces, axis=1)
        return self.rate, first, downmix(samples, self.channels)

    def _time(self, frame) -> float | None:
        stamp = frame.pts if frame.pts is not None else frame.dts
        if stamp is None or not self.time_base:
            return None
        return stamp * self.time_base.numerator / self.time_base.denominator

    def _append(self, frame, start: float | None) -> None:
        if start is not None:
            self.starts.append(start)
        self.pieces.append(to_float(frame))
        self.length += frame.samples


def _place(target: np.ndarray, samples: np.ndarray, offset: int) -> None:
    """Copies the part of ``samples`` that lies within ``target``."""
    begin, end = max(offset, 0), min(offset + len(samples), len(target))
    if begin < end:
        target[begin:end] = samples[begin - offset : end - offset]
