"""A copy of a video with something drawn on every frame, and its sound as it is."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import chain
from pathlib import Path

import numpy as np

from ...disk import own_file
from ..pyav.pyav_reader import PyAVReader
from ..trust.limits import MediaLimits
from .encoding import (
    COLORSPACES,
    VARIABLE_TIME_BASE,
    ImageEncoder,
    interleave,
    make_reproducible,
    open_container,
)
from .preparing import Shown, shown_frames, video_packets

# Sound that players find in MP4; other sound is kept in Matroska.
IN_MP4 = {"aac", "mp3", "ac3", "eac3", "alac"}
SHORT_SIDE = 720  # larger frames are made smaller
BLANK = (360, 640)  # height and width of frames for sound without pictures
BLANK_RATE = 10  # of them a second


def redraw_media(
    source: str | os.PathLike | bytes,
    target: str | os.PathLike,
    draw: Callable[[np.ndarray, float], np.ndarray],
    *,
    limits: MediaLimits | None = None,
) -> Path:
    """Draw on every frame of a file; the packets of its sound are copied.

    Frames keep their times, and come upright with square pixels. Of a file without
    pictures the frames are black.

    Args:
        source: A file of this machine, or the content of one.
        target: The file to write, without suffix: ``.mp4``, or ``.mkv`` if MP4 cannot
            hold the sound.
        draw: From an image, RGB uint8 ``(H, W, 3)``, and its time in seconds to one of
            even size, the same for all.
        limits: What the file may have; None is ``MediaLimits()``.

    Returns:
        The path written.

    Raises:
        MediaError: If the source cannot be used; see ``open_media``.
        ForeignFile: If there is a target that was not written here.
    """
    # Opened twice: each of the streams is read at its own place.
    pictures = PyAVReader(source, limits)
    with pictures, PyAVReader(source, limits) as sound:
        codec = "aac"
        if sound.has_audio:
            codec = sound.audio.stream.codec_context.codec.canonical_name
        suffix = ".mp4" if codec in IN_MP4 else ".mkv"
        path = Path(f"{os.fspath(target)}{suffix}")
        frames = shown_frames(pictures, SHORT_SIDE)
        if not pictures.has_video:
            frames = _blank_frames(*sound.extent)
        drawn = (one._replace(image=draw(one.image, one.start)) for one in frames)
        with own_file(path) as part, open_container(part, suffix) as container:
            # All streams exist before the first packet: encoding writes the header.
            streams = [_add_video(container, pictures, drawn)]
            if sound.has_audio:
                copied = container.add_stream_from_template(sound.audio.stream)
                streams.append(_copied_packets(sound, copied))
            for packets in interleave(*streams):
                container.mux(packets)
    return path


def _blank_frames(start: float, end: float) -> Iterator[Shown]:
    count = max(1, round((end - start) * BLANK_RATE))
    for k in range(count):
        image = np.zeros((*BLANK, 3), np.uint8)
        yield Shown(start + k / BLANK_RATE, 1 / BLANK_RATE, image)


def _add_video(container, reader: PyAVReader, drawn: Iterator[Shown]):
    first = next(drawn)
    rate = Fraction(BLANK_RATE)
    if reader.has_video:
        rate = reader.video.stream.average_rate or 30
        rate = Fraction(rate.numerator, rate.denominator).limit_denominator(1001)
    options = {"preset": "veryfast", "crf": "20"}
    stream = container.add_stream("libx264", rate, options=options)
    stream.height, stream.width = first.image.shape[:2]
    stream.pix_fmt = "yuv420p"
    stream.codec_context.time_base = VARIABLE_TIME_BASE
    stream.codec_context.colorspace = COLORSPACES["bt601"]
    make_reproducible(stream)
    return video_packets(ImageEncoder(stream, "bt601"), chain([first], drawn), 0.0)


def _copied_packets(reader: PyAVReader, stream) -> Iterator[tuple[float, list]]:
    """The packets of the sound, each with its time in seconds."""
    for packet in reader.source.packets(reader.audio.stream):
        if packet.dts is not None and packet.size:
            seconds = float(packet.dts * packet.time_base)
            packet.stream = stream
            yield seconds, [packet]
