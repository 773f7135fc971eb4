"""The sound of a time window, with PyAV."""

from __future__ import annotations

import av
import numpy as np

from .pyav_video import end_of, read_only
from .sound import downmix, native_window, resample, to_float

# Decoders need what comes before: MP3's bit reservoir, Opus' convergence, overlaps.
PREROLL = 0.3
# What the resampler sees beyond the window.
MARGIN = 0.05
# Time stamps that jump further than this are a gap, others are rounding.
GAP = 0.03


class AudioTrack:
    """One audio stream of an open container.

    Args:
        container: An ``av.container.InputContainer``.
        stream: One of its audio streams.
    """

    def __init__(self, container, stream) -> None:
        self.container = container
        self.stream = stream
        self.tick = float(stream.time_base)
        stream.codec_context.thread_count = 1
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
        read_only(self.container, self.stream)
        self._seek(start - PREROLL)
        context = self.stream.codec_context
        stretches: list[_Stretch] = []
        for packet in self.container.demux(self.stream):
            try:
                frames = context.decode(packet if packet.size else None)
            except av.FFmpegError:
                continue
            for frame in frames:
                if not stretches or not stretches[-1].extend(frame):
                    stretches.append(_Stretch(frame))
            if packet.dts is not None and packet.dts * self.tick > stop:
                break
        context.flush_buffers()
        return [stretch.placed() for stretch in stretches]

    def _measure(self, start: float) -> float:
        """The end from the time stamps at the end of the file."""
        read_only(self.container, self.stream)
        last = end_of(self.container)
        end = start
        for back in (1.0, None):
            self._seek(None if last is None or back is None else last - back)
            for packet in self.container.demux(self.stream):
                if packet.size and packet.pts is not None:
                    end = max(end, (packet.pts + (packet.duration or 0)) * self.tick)
            if end > start or last is None:
                break
        return end

    def _seek(self, seconds: float | None) -> None:
        """To a time; not before a second before the beginning, where priming begins."""
        earliest = (self.stream.start_time or 0) - round(1 / self.tick)
        offset = earliest if seconds is None else int(np.floor(seconds / self.tick))
        try:
            self.container.seek(max(offset, earliest), stream=self.stream)
        except av.FFmpegError:
            self.container.seek(max(earliest, 0), stream=self.stream, any_frame=True)


class _Stretch:
    """Decoded frames that follow one another without a gap.

    Containers round time stamps, to a millisecond in Matroska. All time stamps together
    tell better where the stretch lies than the first one does.
    """

    def __init__(self, frame) -> None:
        self.rate = frame.sample_rate
        self.layout = frame.layout.name
        self.channels = [channel.name for channel in frame.layout.channels]
        self.pieces: list[np.ndarray] = []
        self.length = 0
        self.starts: list[float] = []
        self._append(frame, _time(frame) or 0.0)

    def extend(self, frame) -> bool:
        """Appends a frame unless it lies elsewhere."""
        if frame.sample_rate != self.rate or frame.layout.name != self.layout:
            return False
        time = _time(frame)
        start = None if time is None else time - self.length / self.rate
        if start is not None and abs(start - self.starts[0]) > GAP:
            return False
        self._append(frame, start)
        return True

    def placed(self) -> tuple[int, int, np.ndarray]:
        first = round(float(np.median(self.starts)) * self.rate)
        samples = np.concatenate(self.pieces, axis=1)
        return self.rate, first, downmix(samples, self.channels)

    def _append(self, frame, start: float | None) -> None:
        if start is not None:
            self.starts.append(start)
        self.pieces.append(to_float(frame))
        self.length += frame.samples


def _time(frame) -> float | None:
    stamp = frame.pts if frame.pts is not None else frame.dts
    return None if stamp is None else float(stamp * frame.time_base)


def _place(target: np.ndarray, samples: np.ndarray, offset: int) -> None:
    """Copies the part of ``samples`` that lies within ``target``."""
    begin, end = max(offset, 0), min(offset + len(samples), len(target))
    if begin < end:
        target[begin:end] = samples[begin - offset : end - offset]
