"""Reading a file with PyAV: its best stream of video and of sound."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from av.stream import Disposition

from ..reading.reader import MediaInfo, MediaReader
from ..reading.view import View
from ..trust.errors import FileErrors, NoStreamError, UnreadableMediaError
from ..trust.formats import identify
from ..trust.limits import MediaLimits
from ..trust.sources import Source as FileOrBytes
from ..trust.sources import name_of
from .audio_track import AudioTrack
from .packet_source import Source
from .video_track import VideoTrack


class PyAVReader(MediaReader):
    """A media file opened with PyAV.

    Args:
        source: A file of this machine, the content of one, or one that is elsewhere.
        limits: What the file may have; None is ``MediaLimits()``.
        timeout: Seconds that opening, and each call, may take; None is no limit.
        square_pixels: Whether frames are scaled to the shape they are shown in.
    """

    def __init__(
        self,
        source: FileOrBytes,
        limits: MediaLimits | None = None,
        timeout: float | None = None,
        square_pixels: bool = True,
    ) -> None:
        self._square_pixels = square_pixels
        self.path = name_of(source)
        self.format = identify(source)
        self.source = Source(
            source, self.format.demuxer, limits or MediaLimits(), timeout
        )
        try:
            with FileErrors(self.path, "opened"):
                self._find_tracks()
        except BaseException:
            self.close()
            raise
        self._info: MediaInfo | None = None

    @property
    def has_video(self) -> bool:
        return self.video is not None

    @property
    def has_audio(self) -> bool:
        return self.audio is not None

    @property
    def places_samples(self) -> bool:
        audio = self.audio
        return not audio or audio.tick * audio.context.sample_rate <= 1

    @property
    def extent(self) -> tuple[float, float]:
        self.source.deadline.start()
        return (self.video or self.audio).extent

    @property
    def info(self) -> MediaInfo:
        if self._info is None:
            self.source.deadline.start()
            known: dict = {}
            if self.video:
                frame = self.video.first_frame()
                orientation = self.video.converter.orientation(frame)
                sides = self.video.converter.shown_size(frame.width, frame.height)
                known["width"], known["height"] = (
                    sides[::-1] if orientation.swaps_sides else sides
                )
                known["rotation"] = orientation.quarter_turns * 90
                known["mirrored"] = orientation.mirror
                known["fps"] = float(self.video.stream.average_rate or 0)
                known["video_start"], known["video_end"] = self.video.extent
            if self.audio:
                known["sample_rate"] = self.audio.stream.codec_context.sample_rate
                known["audio_start"], known["audio_end"] = self.audio.extent
            self._info = MediaInfo(self.path, self.has_video, self.has_audio, **known)
        return self._info

    @property
    def damage(self) -> tuple[str, ...]:
        return self.source.damage.report()

    @property
    def stored_size(self) -> tuple[int, int] | None:
        if not self.video:
            return None
        self.source.deadline.start()
        return self.video.stored_size()

    def frames_at(
        self,
        times: Sequence[float],
        short_side: int | None = None,
        view: View | None = None,
    ) -> list[np.ndarray]:
        if not self.video:
            raise NoStreamError(self.path, "has no video")
        self.source.deadline.start()
        return self.video.frames_at(times, short_side, view)

    def frames_in_order(
        self,
        times: Sequence[float],
        short_side: int | None = None,
        view: View | None = None,
    ) -> Iterator[np.ndarray]:
        if not self.video:
            raise NoStreamError(self.path, "has no video")
        frames = self.video.in_order(times, short_side, view)
        while True:
            self.source.deadline.start()  # for a frame, not for the file
            image = next(frames, None)
            if image is None:
                return
            yield image

    def waveform(self, start: float, stop: float, sample_rate: int) -> np.ndarray:
        if not stop >= start:
            raise ValueError(f"the window must not end before it starts: {start, stop}")
        if not self.audio:
            return np.zeros(round((stop - start) * sample_rate), np.float32)
        self.source.deadline.start()
        return self.audio.waveform(start, stop, sample_rate)

    def close(self) -> None:
        self.source.close()

    def __del__(self) -> None:
        # Python collects PyAV's containers late: a file left open would stay open.
        if hasattr(self, "source"):
            self.source.close()

    def _find_tracks(self) -> None:
        video = _best_video(self.source.container)
        audio = self.source.container.streams.best("audio", related=video)
        for stream in (video, audio):
            if stream is not None and stream.codec_context is None:
                raise UnreadableMediaError(
                    self.path, f"its {stream.type} is of a codec that FFmpeg lacks"
                )
        self.video = video and VideoTrack(self.source, video, self._square_pixels)
        self.audio = audio and AudioTrack(self.source, audio)
        for kind, track in (("video", self.video), ("sound", self.audio)):
            streams = self.source.container.streams
            given = streams.audio if kind == "sound" else _films(streams)
            if given and not track:
                self.source.damage.note(f"its {kind} cannot be used")
        if not self.video and not self.audio:
            raise UnreadableMediaError(self.path, "has neither video nor audio")


def _best_video(container):
    """FFmpeg's choice among the streams that are no cover picture."""
    best = container.streams.best("video")
    if best is None or not best.disposition & Disposition.attached_pic:
        return best
    others = _films(container.streams)
    return max(others, key=lambda stream: stream.width * stream.height, default=None)


def _films(streams) -> list:
    """Video streams that are no cover picture."""
    return [
        stream
        for stream in streams.video
        if not stream.disposition & Disposition.attached_pic
    ]
