"""Reading with PyAV."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

import numpy as np
from av.stream import Disposition

from ..reading.reader import MediaInfo, MediaReader
from ..reading.view import View
from ..trust.errors import FileErrors, NoStreamError, UnreadableMediaError
from ..trust.formats import identify, name_of
from ..trust.limits import MediaLimits
from .audio_track import AudioTrack
from .packet_source import Source
from .video_track import VideoTrack


class PyAVReader(MediaReader):
    """A media file opened with PyAV.

    Args:
        source: A file of this machine, or the content of one.
        limits: What the file may have; None is ``MediaLimits()``.
        timeout: Seconds that opening, and each call, may take; None is no limit.
        square_pixels: Whether frames are scaled to the shape they are shown in.
    """

    def __init__(
        self,
        source: str | os.PathLike | bytes,
        limits: MediaLimits | None = None,
        timeout: float | None = None,
        square_pixels: bool = True,
    ) -> None:
        self._square_pixels = square_pixels
        self.path = name_of(source)
        self.format = identify(source)
        self._source = Source(
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
        return self._video is not None

    @property
    def has_audio(self) -> bool:
        return self._audio is not None

    @property
    def places_samples(self) -> bool:
        audio = self._audio
        return not audio or audio.tick * audio.context.sample_rate <= 1

    @property
    def extent(self) -> tuple[float, float]:
        self._source.deadline.start()
        return (self._video or self._audio).extent

    @property
    def info(self) -> MediaInfo:
        if self._info is None:
            self._source.deadline.start()
            known: dict = {}
            if self._video:
                frame = self._video.first_frame()
                orientation = self._video.orientation(frame)
                sides = self._video.shown_size(frame.width, frame.height)
                known["width"], known["height"] = (
                    sides[::-1] if orientation.swaps_sides else sides
                )
                known["rotation"] = orientation.quarter_turns * 90
                known["mirrored"] = orientation.mirror
                known["fps"] = float(self._video.stream.average_rate or 0)
                known["video_start"], known["video_end"] = self._video.extent
            if self._audio:
                known["sample_rate"] = self._audio.stream.codec_context.sample_rate
                known["audio_start"], known["audio_end"] = self._audio.extent
            self._info = MediaInfo(self.path, self.has_video, self.has_audio, **known)
        return self._info

    @property
    def damage(self) -> tuple[str, ...]:
        return self._source.damage.report()

    @property
    def stored_size(self) -> tuple[int, int] | None:
        if not self._video:
            return None
        self._source.deadline.start()
        return self._video.stored_size()

    def frames_at(
        self,
        times: Sequence[float],
        short_side: int | None = None,
        view: View | None = None,
    ) -> list[np.ndarray]:
        if not self._video:
            raise NoStreamError(self.path, "has no video")
        self._source.deadline.start()
        return self._video.frames_at(times, short_side, view)

    def frames_in_order(
        self,
        times: Sequence[float],
        short_side: int | None = None,
        view: View | None = None,
    ) -> Iterator[np.ndarray]:
        if not self._video:
            raise NoStreamError(self.path, "has no video")
        frames = self._video.in_order(times, short_side, view)
        while True:
            self._source.deadline.start()  # for a frame, not for the file
            image = next(frames, None)
            if image is None:
                return
            yield image

    def waveform(self, start: float, stop: float, sample_rate: int) -> np.ndarray:
        if not stop >= start:
            raise ValueError(f"the window must not end before it starts: {start, stop}")
        if not self._audio:
            return np.zeros(round((stop - start) * sample_rate), np.float32)
        self._source.deadline.start()
        return self._audio.waveform(start, stop, sample_rate)

    def close(self) -> None:
        self._source.close()

    def __del__(self) -> None:
        # PyAV's containers are in cycles; an unclosed one would keep its file open.
        if hasattr(self, "_source"):
            self._source.close()

    def _find_tracks(self) -> None:
        video = _best_video(self._source.container)
        audio = self._source.container.streams.best("audio", related=video)
        for stream in (video, audio):
            if stream is not None and stream.codec_context is None:
                raise UnreadableMediaError(
                    self.path, f"its {stream.type} is of a codec that FFmpeg lacks"
                )
        self._video = video and VideoTrack(self._source, video, self._square_pixels)
        self._audio = audio and AudioTrack(self._source, audio)
        for kind, track in (("video", self._video), ("sound", self._audio)):
            streams = self._source.container.streams
            given = streams.audio if kind == "sound" else _films(streams)
            if given and not track:
                self._source.damage.note(f"its {kind} cannot be used")
        if not self._video and not self._audio:
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
