"""Exact frames of a video stream, by time, with PyAV."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import av
import numpy as np
from av.stream import Discard
from av.video.reformatter import VideoReformatter

from .errors import UnreadableMediaError
from .orientation import orientation_of

# A time stamp is known to half a tick of the container's clock; some clocks are coarse.
MAX_TOLERANCE = 0.0005
# Between wanted frames further apart than this, a key frame is looked for.
SEEK_GAP = 0.5
# The same where the container has no index that tells where the key frames are.
SEEK_GAP_WITHOUT_INDEX = 4.0
STEPS_BACK = (0.0, 0.5, 2.0, 8.0, 32.0)
# Frames of these codecs that say they are no reference really are none.
SKIPPABLE = {"h264", "mpeg4", "mpeg2video"}


def end_of(container) -> float | None:
    """When the container says it ends, in seconds; None if it does not say."""
    if container.duration is None:
        return None
    return ((container.start_time or 0) + container.duration) / av.time_base


def read_only(container, chosen) -> None:
    """Lets the demuxer skip every stream but one."""
    for stream in container.streams:
        stream.discard = Discard.default if stream is chosen else Discard.all
    chosen.discard = Discard.default


class VideoTrack:
    """One video stream of an open container.

    Args:
        path: For messages.
        container: An ``av.container.InputContainer``.
        stream: One of its video streams.
    """

    def __init__(self, path: str, container, stream) -> None:
        self.path = path
        self.container = container
        self.stream = stream
        self.tick = float(stream.time_base)
        self.tolerance = min(self.tick / 2, MAX_TOLERANCE)
        # AVI has no time stamps, only a place in decoding order; what FFmpeg makes of
        # them is wrong by the decoder's delay, and not even rising for H.264.
        self.untimed = "avi" in container.format.name
        # Elsewhere FFmpeg estimates the duration from the first and last packets.
        self.stated = any(n in container.format.name for n in ("mov", "avi"))
        # In MPEG program streams FFmpeg's time stamps depend on where reading began.
        self.steps_back = () if container.format.name == "mpeg" else STEPS_BACK
        stream.codec_context.thread_count = 1
        self.converter = VideoReformatter()
        self._extent: tuple[float, float] | None = None

    def frames_at(self, times: Sequence[float]) -> list[np.ndarray]:
        """See :meth:`MediaReader.frames_at`."""
        times = np.asarray(times, np.float64)
        if not np.isfinite(times).all():
            raise ValueError("times must be finite numbers")
        wanted, places = np.unique(times, return_inverse=True)
        frames: list = []
        while len(frames) < len(wanted):
            frames += self._decode_group(wanted[len(frames) :])
        images: dict[int, np.ndarray] = {}
        result = []
        for frame in (frames[place] for place in places.ravel()):
            image = images.get(id(frame))
            if image is None:
                image = images[id(frame)] = self.to_rgb(frame)
                result.append(image)
            else:  # augmentations write into images, so none may be listed twice
                result.append(image.copy())
        return result

    def first_frame(self):
        """The first decodable frame."""
        return self._decode_group(np.array([-np.inf]))[0]

    def to_rgb(self, frame) -> np.ndarray:
        """A decoded frame as an upright image; honours its colour matrix and range."""
        # One converter for all frames: setting it up takes longer than a small frame.
        rgb = self.converter.reformat(frame, format="rgb24")
        return orientation_of(frame)(rgb.to_ndarray())

    @property
    def extent(self) -> tuple[float, float]:
        """When the first frame appears and when the last one disappears."""
        if self._extent is None:
            start = self.stream.start_time
            start = 0.0 if start is None else start * self.tick
            if self.stated and (self.stream.duration or 0) > 0:
                end = start + self.stream.duration * self.tick
            else:
                start, end = self._measure(start)
            if end <= start:
                end = start + self._frame_duration()
            self._extent = start, end
        return self._extent

    def packets(self) -> list:
        """All packets in decoding order; reads the whole file."""
        read_only(self.container, self.stream)
        self._seek(None)
        return [packet for packet in self.container.demux(self.stream) if packet.size]

    def _measure(self, start: float) -> tuple[float, float]:
        """The extent from the time stamps at the end of the file."""
        read_only(self.container, self.stream)
        last = end_of(self.container)
        for back in (1.0, 10.0, None):
            self._seek(None if last is None or back is None else last - back)
            ends = [
                (p.pts if p.pts is not None else p.dts)
                + (p.duration or self._frame_duration() / self.tick)
                for p in self.container.demux(self.stream)
                if p.size and (p.pts is not None or p.dts is not None)
            ]
            if ends or last is None:
                break
        return start, max(ends, default=start / self.tick) * self.tick

    def _frame_duration(self) -> float:
        rate = self.stream.average_rate or self.stream.guessed_rate
        return float(1 / rate) if rate else 0.04

    def _seek(self, seconds: float | None) -> None:
        """To the key frame at or before a time; None is the beginning."""
        start = self.stream.start_time or 0
        if seconds is None or not np.isfinite(seconds):
            offset = start - round(10 / self.tick)
        else:
            offset = max(
                int(np.floor(seconds / self.tick)), start - round(10 / self.tick)
            )
        try:
            self.container.seek(offset, stream=self.stream, backward=True)
        except av.FFmpegError:
            self.container.seek(max(start, 0), stream=self.stream, any_frame=True)

    def _decode_group(self, wanted: np.ndarray) -> list:
        """Decodes the frames at the first few of rising times: one stretch of file."""
        read_only(self.container, self.stream)
        for back in (*self.steps_back, None):
            self._seek(None if back is None else wanted[0] + self.tolerance - back)
            frames = self._decode_stretch(wanted, from_start=back is None)
            if frames:
                return frames
        raise UnreadableMediaError(
            self.path, "no video frame can be decoded", "the file may be damaged"
        )

    def _decode_stretch(self, wanted: np.ndarray, from_start: bool) -> list:
        """Decodes from the current position.

        Returns:
            The frames at the first times of ``wanted``; none if decoding starts too
            late for the first time and there is something before.
        """
        packets, count = self._gather(wanted, from_start)
        if not packets:
            return []
        wanted = wanted[:count] + self.tolerance
        result: list = []
        previous = None
        for time, frame in self._decode(packets, wanted):
            if previous is None and time > wanted[0] and not from_start:
                return []
            while len(result) < count and time > wanted[len(result)]:
                result.append(previous or frame)
            previous = frame
            if len(result) == count:
                break
        if previous is not None:
            result += [previous] * (count - len(result))
        self.stream.codec_context.flush_buffers()
        return result

    def _gather(self, wanted: np.ndarray, from_start: bool) -> tuple[list, int]:
        """Reads packets until they suffice for the first few times.

        Returns:
            The packets from a key frame on, and for how many times they are.
        """
        packets: list = []
        count = 1
        for packet in self.container.demux(self.stream):
            if not packet.size:
                continue
            if not packets:
                late = packet.pts is not None and not self.untimed
                late = late and packet.pts * self.tick > wanted[0] + self.tolerance
                if not from_start and (late or not packet.is_keyframe):
                    if late:
                        return [], 0
                    continue
            packets.append(packet)
            if packet.dts is None:
                continue
            now = packet.dts * self.tick
            if self.untimed:  # the decoder's delay comes on top
                now -= 18 * self.tick
            while now > wanted[count - 1] + self.tolerance:
                if count == len(wanted) or self._seek_helps(
                    wanted[count - 1], wanted[count]
                ):
                    return packets, count
                count += 1
        return packets, len(wanted)

    def _seek_helps(self, last: float, following: float) -> bool:
        """Whether to the next wanted frame there is a shorter way than reading on."""
        if following - last < SEEK_GAP:
            return False
        entries = self.stream.index_entries
        if len(entries) == 0:
            return following - last > SEEK_GAP_WITHOUT_INDEX
        key = entries.search_timestamp(int(following / self.tick), backward=True)
        return key >= 0 and entries[key].timestamp * self.tick > last

    def _decode(self, packets: list, wanted: np.ndarray) -> Iterator[tuple]:
        """Decodes packets; leaves out what is neither wanted nor referred to."""
        context = self.stream.codec_context
        needed = self._needed(packets, wanted)
        context.skip_frame = "DEFAULT"
        delay = context.reorder_depth if self.untimed else 0
        last = None
        for packet in [*packets, None]:
            if needed is not None and packet is not None:
                context.skip_frame = "DEFAULT" if packet.pts in needed else "NONREF"
            try:
                frames = context.decode(packet)
            except av.FFmpegError:
                continue
            for frame in frames:
                stamp = frame.dts if self.untimed else frame.pts
                if stamp is None and not self.untimed:
                    stamp = frame.dts
                if stamp is None:
                    stamp = 0 if last is None else last + 1
                else:
                    stamp -= delay
                last = stamp
                yield stamp * self.tick, frame

    def _needed(self, packets: list, wanted: np.ndarray) -> set[int] | None:
        """Time stamps of the wanted frames; None if they cannot be told beforehand."""
        if self.untimed or self.stream.codec_context.name not in SKIPPABLE:
            return None
        stamps = [packet.pts for packet in packets]
        if None in stamps:
            return None
        stamps = np.unique(stamps)
        index = np.searchsorted(stamps * self.tick, wanted, "right") - 1
        return set(stamps[np.clip(index, 0, None)].tolist())
