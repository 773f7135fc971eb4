"""Checks one file with the reader that trains."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from ...disk import file_digest
from ..open_file import open_media
from ..pyav.pyav_reader import PyAVReader
from ..reading.reader import MediaInfo
from ..trust.errors import MediaError
from .file_check import FileCheck, Sound
from .frame_times import is_variable
from .picture_hash import SHARES, SHORT_SIDE, hash_of, motion_of

SILENCE = 1e-3  # of full scale: -60 dB, as FFmpeg's silencedetect
SOUND_BLOCK = 20.0  # seconds of sound that are decoded together
SOUND_WINDOW = 1.0  # seconds that are listened to at each of SHARES


def check_file(
    path: str | os.PathLike, full: bool = False, timeout: float | None = 60.0
) -> FileCheck:
    """What is in a file; whatever is wrong with it is part of the answer.

    The whole file is read and its packets are looked at. A few frames and a few windows
    of sound are decoded, and all sound of a file that seems silent.

    Args:
        path: Of the file.
        full: Whether every frame and all sound are decoded.
        timeout: Seconds of processor time that each step of the reader may take.
    """
    path = Path(path)
    found: dict = {}
    try:
        if path.is_dir():
            return FileCheck(path, "is a folder: images of frames are not checked")
        if path.exists() and not path.is_file():  # opening a pipe would wait
            return FileCheck(path, "is no file")
        found["digest"] = file_digest(path)
        with open_media(path, timeout=timeout) as media:
            try:
                _look(media, found, full)
            finally:
                found["damage"] = "; ".join(media.damage) or None
    except (OSError, MediaError) as error:
        found["error"] = _reason(path, error)
    return FileCheck(path, **found)


def _look(media: PyAVReader, found: dict, full: bool) -> None:
    """Fills in what the open file holds; what is known before an error stays."""
    info = media.info
    if info.has_audio:
        context = media.audio.context
        found["sound"] = Sound(
            context.layout.nb_channels, info.sample_rate, context.codec.canonical_name
        )
        found["duration"] = info.audio_end - info.audio_start
    if info.has_video:
        video = media.video
        found.update(
            codec=video.context.codec.canonical_name,
            width=info.width,
            height=info.height,
            rate=info.fps,
            rotation=info.rotation,
            aspect=video.converter.pixel_aspect,
            duration=info.video_end - info.video_start,
        )
        times = [info.video_start + share * found["duration"] for share in SHARES]
        pictures = media.frames_at(times, short_side=SHORT_SIDE)
        found["picture_hash"] = hash_of(pictures)
        found["motion"] = motion_of(pictures)
        found["frames"], found["variable_rate"] = _frames(media, info, full)
    if info.has_video and info.has_audio:
        found["sound_offset"] = info.audio_start - info.video_start
    if info.has_audio:
        found["silent"] = _is_silent(media, info.audio_start, info.audio_end, full)


def _frames(media: PyAVReader, info: MediaInfo, full: bool) -> tuple[int, bool]:
    """How many frames there are, and whether their rate varies."""
    video, deadline = media.video, media.source.deadline
    deadline.start()
    first = round(info.video_start / video.tick)
    packets = [
        one
        for one in video.packets()
        # what comes before the first key frame cannot be decoded
        if not one.is_discard and (video.untimed or one.pts is None or one.pts >= first)
    ]
    stamps = [one.pts for one in packets if one.pts is not None]
    tells = not video.untimed and len(stamps) == len(packets)
    variable = tells and is_variable(stamps)
    if full:
        count = 0
        for _ in video.every_frame():
            deadline.start()  # for a frame, not for the file
            count += 1
        return count, variable
    if video.untimed or video.headers.frame_a_packet:
        return len(packets), variable
    # two fields, or two frames, may be a packet: their times alone tell
    return round((info.video_end - info.video_start) * info.fps), variable


def _is_silent(media: PyAVReader, start: float, end: float, full: bool) -> bool:
    """Whether there is nothing to hear; listens to the end before it says so."""
    rate = media.audio.context.sample_rate
    if not full:
        for share in SHARES:
            at = start + share * (end - start)
            if _is_loud(media.waveform(at, min(at + SOUND_WINDOW, end), rate)):
                return False
    loud = False
    for at in np.arange(start, end, SOUND_BLOCK):
        loud |= _is_loud(media.waveform(at, min(at + SOUND_BLOCK, end), rate))
        if loud and not full:
            break
    return not loud


def _is_loud(samples: np.ndarray) -> bool:
    return len(samples) > 0 and bool(np.abs(samples).max() > SILENCE)


def _reason(path: Path, error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error).removeprefix(f"{path}: ") or type(error).__name__
