"""Reading with PyAV."""

from __future__ import annotations

import os
from collections.abc import Sequence

import av
import numpy as np
from av.stream import Disposition

from .containers import Container, absolute, identify
from .errors import NoStreamError, UnreadableMediaError
from .orientation import orientation_of
from .pyav_audio import AudioTrack
from .pyav_video import VideoTrack
from .reader import MediaInfo, MediaReader


class PyAVReader(MediaReader):
    """A media file opened with PyAV.

    Args:
        path: A file of this machine.
    """

    def __init__(self, path: str | os.PathLike) -> None:
        self.path = os.fspath(path)
        self.format = identify(path)
        self._container = _open(self.path, self.format)
        video = _best_video(self._container)
        audio = self._container.streams.best("audio", related=video)
        for stream in (video, audio):
            if stream is not None and stream.codec_context is None:
                raise UnreadableMediaError(
                    self.path, f"its {stream.type} is of a codec that FFmpeg lacks"
                )
        self._video = video and VideoTrack(self.path, self._container, video)
        self._audio = audio and AudioTrack(self._container, audio)
        self._info: MediaInfo | None = None
        if not self._video and not self._audio:
            raise UnreadableMediaError(self.path, "has neither video nor audio")

    @property
    def has_video(self) -> bool:
        return self._video is not None

    @property
    def has_audio(self) -> bool:
        return self._audio is not None

    @property
    def extent(self) -> tuple[float, float]:
        return (self._video or self._audio).extent

    @property
    def info(self) -> MediaInfo:
        if self._info is None:
            known: dict = {}
            if self._video:
                frame = self._video.first_frame()
                orientation = orientation_of(frame)
                sides = frame.width, frame.height
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

    def frames_at(self, times: Sequence[float]) -> list[np.ndarray]:
        if not self._video:
            raise NoStreamError(self.path, "has no video")
        return self._video.frames_at(times)

    def waveform(self, start: float, stop: float, sample_rate: int) -> np.ndarray:
        if not stop >= start:
            raise ValueError(f"the window must not end before it starts: {start, stop}")
        if not self._audio:
            return np.zeros(round((stop - start) * sample_rate), np.float32)
        return self._audio.waveform(start, stop, sample_rate)

    def close(self) -> None:
        self._container.close()

    def __del__(self) -> None:
        # PyAV's containers are in cycles; an unclosed one would keep its file open.
        if hasattr(self, "_container"):
            self._container.close()


def _open(path: str, container: Container):
    """Opens a file as the container it was found to be, and nothing else."""
    try:
        return av.open(
            "file:" + absolute(path),
            format=container.demuxer,
            options={"protocol_whitelist": "file"},
            metadata_errors="ignore",
        )
    except (av.FFmpegError, ValueError) as error:
        raise UnreadableMediaError(
            path,
            f"cannot be opened as {container.demuxer}: {error}",
            "the file may be damaged or incomplete",
        ) from error


def _best_video(container):
    """FFmpeg's choice among the streams that are no cover picture."""
    best = container.streams.best("video")
    if best is None or not best.disposition & Disposition.attached_pic:
        return best
    others = [
        stream
        for stream in container.streams.video
        if not stream.disposition & Disposition.attached_pic
    ]
    return max(others, key=lambda stream: stream.width * stream.height, default=None)
