"""Frames and sound as a camera pushes them: of a file at its pace, or of a camera."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np

from mmstconv.disk import public_name
from mmstconv.media.reading.sequential import SequentialMedia
from mmstconv.media.remote import open_at

SILENCE = np.zeros(0, np.float32)


def frames_of(
    source: str, fps: float, sample_rate: int, *, fast: bool = False
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Upright RGB frames ``(H, W, 3)``, each with the sound before it, mono float32.

    Args:
        source: A video file, or the number of a camera, whose sound is not read.
        fps: Frames a second that are wanted.
        sample_rate: Samples a second.
        fast: A file as fast as it can be read, not at its own pace.

    Raises:
        FileNotFoundError: There is no such file or camera.
        MediaError: It is no readable video; the message names it.
        ValueError: The file has no pictures.
    """
    if source.isdecimal():
        return _of_camera(int(source), fps)
    return _of_file(source, fps, sample_rate, fast=fast)


def begin_of(source: str) -> float:
    """The time of the first frame, in seconds of a file's own clock; 0 of a camera.

    Raises:
        FileNotFoundError: There is no such file.
        MediaError: It is no readable video; the message names it.
    """
    if source.isdecimal():
        return 0.0
    with open_at(source) as media:
        return media.extent[0]


def _of_file(
    path: str, fps: float, sample_rate: int, *, fast: bool
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    with open_at(path) as media:
        start, end = media.extent
        if not media.has_video:
            raise ValueError(
                f"{public_name(path)} has no pictures, which a live source needs: "
                "leave --live out"
            )
    count = max(int((end - start) * fps + 1e-6), 1)
    times = start + np.arange(count) / fps
    begin = time.monotonic()
    with SequentialMedia(lambda: open_at(path), times) as media:
        for number, now in enumerate(times.tolist()):
            sound = SILENCE
            if media.has_audio and number:
                # whole samples, so that none is lost between frames
                first, last = (
                    round(k / fps * sample_rate) for k in (number - 1, number)
                )
                span = (start + first / sample_rate, start + last / sample_rate)
                sound = media.waveform(*span, sample_rate)
            (frame,) = media.frames_at([now])
            if not fast:
                time.sleep(max(begin + number / fps - time.monotonic(), 0.0))
            yield frame, sound


def _of_camera(number: int, fps: float) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The newest frame at each tick of the clock; one too late is shown twice."""
    import cv2

    log = cv2.utils.logging
    log.setLogLevel(log.LOG_LEVEL_SILENT)  # what it tried, where there is none
    camera = cv2.VideoCapture(number)
    if not camera.isOpened():
        raise FileNotFoundError(f"there is no camera {number}, or it is in use")
    try:
        begin, shown = time.monotonic(), 0
        while True:
            there, frame = camera.read()
            if not there:
                return
            while shown <= (time.monotonic() - begin) * fps:
                yield cv2.cvtColor(frame, cv2.COLOR_BGR2RGB), SILENCE
                shown += 1
    finally:
        camera.release()
