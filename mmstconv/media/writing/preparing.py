"""Re-encoding a file to training form: what a loader can read in a few milliseconds."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from ...disk import own_file
from ..pyav.pyav_reader import PyAVReader
from ..trust.errors import FileErrors, UnreadableMediaError
from ..trust.limits import MediaLimits
from .encoding import (
    COLORSPACES,
    VARIABLE_TIME_BASE,
    ImageEncoder,
    interleave,
    make_reproducible,
    open_container,
)

# Without CABAC and the deblocking filter: quicker to decode, for a few more bytes
# (benchmark row 4).
SPEED = {"preset": "veryfast", "tune": "fastdecode"}
# Lossless, and quicker to open and to seek in than AAC.
SOUND = "flac"
STEP = 4096  # samples that are encoded at once
BLOCK = 40 * STEP  # samples that are read at once
FINEST_CLOCK = 1_000_000  # ticks a second; of a finer clock, time stamps are rounded
LATEST_START = 60.0  # seconds; broadcasts may begin at any time up to 26 hours


@dataclass(frozen=True)
class TrainingForm:
    """What a file is re-encoded to: H.264 and mono sound in MP4.

    Args:
        short_side: Pixels of the shorter side; smaller videos keep their size.
        key_frame_every: Frames from one key frame to the next.
        sample_rate: Of the sound, in Hz.
        crf: Quality of H.264; larger is worse.
    """

    short_side: int = 128
    key_frame_every: int = 16
    sample_rate: int = 16000
    crf: int = 20

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            least = 0 if name == "crf" else 2 if name == "short_side" else 1
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise ValueError(
                    f"{name} must be a whole number from {least} on, got {value!r}"
                )


def prepare_media(
    source: str | os.PathLike,
    target: str | os.PathLike,
    form: TrainingForm | None = None,
    *,
    limits: MediaLimits | None = None,
    timeout: float | None = None,
    record: str | os.PathLike | None = None,
) -> tuple[str, ...]:
    """Re-encodes a file to training form.

    Every frame keeps its time stamp and the sound its start, in seconds on the file's
    clock. A clock that begins before 0 or after a minute is moved to begin at 0. Frames
    are turned upright and scaled to square pixels. A file without video, or without
    sound, stays without.

    Memory does not depend on the length of the file. The target appears under its name
    only when it is whole, and replaces only what was written here.

    Args:
        source: A file of this machine.
        target: The file to write, ``.mp4``.
        form: What to make of it; None is ``TrainingForm()``.
        limits: What the file may have; None is ``MediaLimits()``.
        timeout: Seconds that each reading may take; None is no limit.
        record: Folder that knows what was written here; None: the target's.

    Returns:
        What was found broken in the source, which was used all the same.

    Raises:
        MediaError: If the source cannot be used; see ``open_media``.
        FileNotFoundError: If there is no such file.
        ForeignFile: If there is a target that was not written here.
    """
    form = form or TrainingForm()
    target = Path(target)
    if target.suffix != ".mp4":
        raise ValueError(f"training form is an .mp4 file, got '{target}'")
    # Opened twice: each of the streams is read at its own place.
    pictures = PyAVReader(source, limits, timeout)
    with pictures, PyAVReader(source, limits, timeout) as sound:
        with own_file(target, record) as part:
            _write(part, pictures, sound, form)
            _verify(part, pictures)
        return tuple(dict.fromkeys(pictures.damage + sound.damage))


def _write(
    path: Path, pictures: PyAVReader, sound: PyAVReader, form: TrainingForm
) -> None:
    start = min(t.extent[0] for t in (pictures.video, sound.audio) if t)
    shift = 0.0 if 0 <= start <= LATEST_START else -start
    with open_container(path, ".mp4") as container:
        # All streams exist before the first packet: encoding writes the header.
        streams = []
        if pictures.has_video:
            streams.append(_add_video(container, pictures, form, shift))
        if sound.has_audio:
            stream = _sound_stream(container, form.sample_rate)
            streams.append(_sound_packets(stream, sound, form.sample_rate, shift))
        for packet in interleave(*streams):
            container.mux(packet)


def _verify(path: Path, source: PyAVReader) -> None:
    """Reads the written file: a full disk does not always raise while writing."""
    with PyAVReader(path) as written:
        streams = written.has_video, written.has_audio
        if written.damage or streams != (source.has_video, source.has_audio):
            raise OSError(f"{path} was not written whole {written.damage}")


class Shown(NamedTuple):
    """A frame, when it is first shown and for how long, in seconds."""

    start: float
    duration: float
    image: np.ndarray


def shown_frames(reader: PyAVReader, short_side: int) -> Iterator[Shown]:
    """All frames of a video, one by one, at rising times.

    Of several frames with one time stamp the last one is taken, as readers do.
    """
    end = reader.video.extent[1]
    held, duration = None, 0.0
    for time, image in _decoded(reader, short_side):
        if held is not None:
            if time < held[0]:
                continue
            if time > held[0]:
                duration = time - held[0]
                yield Shown(held[0], duration, held[1])
        held = time, image
    if held is None:
        raise UnreadableMediaError(
            reader.path, "no video frame can be decoded", "the file may be damaged"
        )
    # where nothing says how long the last one is shown: as the one before
    rest = end - held[0]
    yield Shown(held[0], rest if rest > 0 else duration or 0.04, held[1])


def _decoded(reader: PyAVReader, short_side: int) -> Iterator[tuple[float, np.ndarray]]:
    """Times and upright images, in the order in which they are decoded."""
    converter, deadline = reader.video.converter, reader.source.deadline
    reformatter = VideoReformatter()
    size = None
    deadline.start()
    for time, frame in reader.video.every_frame():
        if size is None:
            size = _size(*converter.shown_size(frame.width, frame.height), short_side)
        with FileErrors(reader.path, "converted to RGB"):
            image = reformatter.reformat(frame, *size, format="rgb24").to_ndarray()
        yield time, converter.orientation(frame)(image)
        deadline.start()  # what encoding takes is not reading


def _size(width: int, height: int, short_side: int) -> tuple[int, int]:
    """The scaled size: even, since chroma has half the resolution, and not larger."""
    scale = min(1.0, short_side / min(width, height))
    return tuple(max(round(side * scale / 2) * 2, 2) for side in (width, height))


def _fraction(rational) -> Fraction:
    """A rational number of any version of PyAV as Python's."""
    return Fraction(rational.numerator, rational.denominator)


def _add_video(
    container, reader: PyAVReader, form: TrainingForm, shift: float
) -> Iterator[tuple[float, list]]:
    """Adds a stream of pictures; gives its packets, each with its time in seconds."""
    shown = shown_frames(reader, form.short_side)
    first = next(shown)
    keys = form.key_frame_every
    structure = f"keyint={keys}:min-keyint={keys}:scenecut=0:open-gop=0"
    options = {**SPEED, "crf": str(form.crf), "x264opts": structure}
    rate = _fraction(reader.video.stream.average_rate or 30).limit_denominator(1001)
    stream = container.add_stream("libx264", rate, options=options)
    stream.height, stream.width = first.image.shape[:2]
    stream.pix_fmt = "yuv420p"
    # With the source's clock, if it is not too fine, time stamps stay the same numbers.
    tick = _fraction(reader.video.stream.time_base)
    kept = not shift and tick.denominator <= FINEST_CLOCK
    context = stream.codec_context
    context.time_base = Fraction(1, tick.denominator) if kept else VARIABLE_TIME_BASE
    context.colorspace = COLORSPACES["bt601"]
    make_reproducible(stream)
    return video_packets(ImageEncoder(stream, "bt601"), chain([first], shown), shift)


def video_packets(
    encoder: ImageEncoder, shown: Iterable[Shown], shift: float
) -> Iterator[tuple[float, list]]:
    """Encodes; yields ``(seconds, packets)``."""
    time_base = encoder.time_base
    last = -1
    for start, duration, image in shown:
        start += shift
        pts = max(round(start / time_base), last + 1)
        until = round((start + duration) / time_base)
        yield start, encoder.encode(image, pts, max(until - pts, 1))
        last = pts
    yield float("inf"), encoder.finish()


def _sound_stream(container, rate: int):
    stream = container.add_stream(SOUND, rate)
    context = stream.codec_context
    context.layout, context.format = "mono", "s16"
    make_reproducible(stream)
    return stream


def _sound_packets(stream, reader: PyAVReader, rate: int, shift: float):
    """Encodes; yields ``(seconds, packets)``."""
    start, stop = reader.audio.extent
    first = round(start * rate)
    end = max(round(stop * rate), first + 1)  # a stream without sound stays one
    moved = round((start + shift) * rate) - first
    for begin in range(first, end, BLOCK):
        until = min(begin + BLOCK, end)
        samples = reader.waveform(begin / rate, until / rate, rate)
        samples = np.rint(samples * 32768).clip(-32768, 32767).astype(np.int16)
        for at in range(0, len(samples), STEP):
            frame = av.AudioFrame.from_ndarray(
                samples[None, at : at + STEP], "s16", "mono"
            )
            frame.sample_rate = rate
            frame.pts, frame.time_base = begin + at + moved, Fraction(1, rate)
            yield (begin + at + moved) / rate, stream.encode(frame)
    yield float("inf"), stream.encode(None)
