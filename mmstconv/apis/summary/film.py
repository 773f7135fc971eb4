"""Writing the film of a summary: pictures with their own times, sound in step."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import chain
from pathlib import Path

import av
import numpy as np

from ...disk import own_file
from ...media.pyav.pyav_reader import PyAVReader
from ...media.trust.errors import FileErrors, NoStreamError, UnreadableMediaError
from ...media.writing.encoding import (
    VARIABLE_TIME_BASE,
    ImageEncoder,
    interleave,
    make_reproducible,
    open_container,
)
from .cuts import Cut, cuts_of, faded

FADE = 0.008  # seconds at each edge of a cut
RATE = 48000  # samples a second of the summary's sound
BIT_RATE = 192_000  # with its default, FFmpeg's encoder adds clicks at the fades
BLOCK = 20.0  # seconds of sound that are read at once
CODING = {"preset": "veryfast", "crf": "20"}
SUFFIXES = (".mp4", ".m4a")


def write_film(
    source: str | os.PathLike,
    target: str | os.PathLike,
    stretches: Sequence[tuple[float, float]],
    progress: Callable[[float, float], None] = lambda done, total: None,
) -> tuple[str, ...]:
    """Writes stretches of a film, one after another, as H.264 and AAC in MP4.

    Pictures keep their distances in time, also at a variable frame rate, and are turned
    upright; sound is mono at 48 kHz. At each cut both begin at the same sample's time.
    A file without sound, or without pictures, stays without. Memory does not depend on
    the length of the film, and only the stretches are decoded.

    Args:
        source: The film.
        target: ``.mp4``; ``.m4a`` of a file without pictures.
        stretches: Begin and end in seconds, rising.
        progress: Told how many seconds of the summary are written, and of how many.

    Returns:
        What was found broken in the source, which was used all the same.

    Raises:
        ValueError: No stretch has a length, or the suffix is another one.
        MediaError: The source cannot be used.
        ForeignFile: There is a target that was not written here.
    """
    target = Path(target)
    if target.suffix not in SUFFIXES:
        raise ValueError(f"a summary is an .mp4 or .m4a file, got '{target}'")
    cuts = cuts_of(stretches, RATE)
    if not cuts:
        raise ValueError("there is nothing to show: no stretch has a length")
    with PyAVReader(source) as pictures, PyAVReader(source) as sound:
        if target.suffix == ".m4a" and not sound.has_audio:
            raise NoStreamError(pictures.path, "has no sound to write as .m4a")
        with own_file(target) as part:
            with open_container(part, target.suffix) as container:
                streams = []
                if pictures.has_video and target.suffix == ".mp4":
                    streams.append(_add_pictures(container, pictures, cuts))
                if sound.has_audio:
                    streams.append(_add_sound(container, sound, cuts))
                total = cuts[-1].shown + cuts[-1].end - cuts[-1].start
                for packets in interleave(
                    *(_told(s, progress, total) for s in streams)
                ):
                    container.mux(packets)
        return tuple(dict.fromkeys(pictures.damage + sound.damage))


def _told(
    packets: Iterator[tuple[float, list]], progress: Callable, total: float
) -> Iterator[tuple[float, list]]:
    for seconds, some in packets:
        progress(min(seconds, total), total)
        yield seconds, some


def shown_frames(
    reader: PyAVReader, cut: Cut
) -> Iterator[tuple[float, np.ndarray | None]]:
    """When each picture of a cut is shown in the summary, and the picture, upright.

    The first one is what is on the screen when the cut begins.
    """
    track, converter = reader.video, reader.video.converter
    held = None
    for time, frame in frames_from(reader, cut.start):
        if time >= cut.end - track.tolerance:
            break
        if time <= cut.start + track.tolerance:
            held = frame
            continue
        if held is not None:
            yield cut.shown, picture(converter, held, reader.path)
            held = None
        yield cut.shown + time - cut.start, picture(converter, frame, reader.path)
    if held is not None:
        yield cut.shown, picture(converter, held, reader.path)


def frames_from(reader: PyAVReader, start: float) -> Iterator[tuple[float, object]]:
    """Times and frames from the one on the screen at a time, at rising times."""
    last = -np.inf
    reader.source.deadline.start()
    for time, frame in reader.video.frames_from(start):
        if time > last:
            yield time, frame
            last = time
        reader.source.deadline.start()  # what encoding takes is not reading


def picture(converter, frame, path: str) -> np.ndarray:
    """RGB, upright, in square pixels, of even size: chroma has half the resolution."""
    width, height = converter.shown_size(frame.width, frame.height)
    size = width // 2 * 2, height // 2 * 2
    with FileErrors(path, "converted to RGB"):
        image = frame.reformat(*size, format="rgb24").to_ndarray()
    return converter.orientation(frame)(image)


def _add_pictures(
    container, reader: PyAVReader, cuts: Sequence[Cut]
) -> Iterator[tuple[float, list]]:
    """Adds a stream of pictures; gives its packets, each with its time in seconds."""
    shown = (one for cut in cuts for one in shown_frames(reader, cut))
    first = next(shown, None)
    if first is None:
        raise UnreadableMediaError(
            reader.path, "no picture of the summary can be decoded"
        )
    rate = reader.video.stream.average_rate or 25
    rate = Fraction(rate.numerator, rate.denominator).limit_denominator(1001)
    stream = container.add_stream("libx264", rate, options=CODING)
    stream.height, stream.width = first[1].shape[:2]
    stream.pix_fmt = "yuv420p"
    stream.codec_context.time_base = VARIABLE_TIME_BASE
    make_reproducible(stream)
    end = cuts[-1].shown + cuts[-1].end - cuts[-1].start
    return _picture_packets(ImageEncoder(stream, "bt601"), chain([first], shown), end)


def _picture_packets(
    encoder: ImageEncoder, shown: Iterator[tuple[float, np.ndarray]], end: float
) -> Iterator[tuple[float, list]]:
    """Encodes; each picture is shown until the next one, the last one until the end."""
    held, last = next(shown), -1
    for following in chain(shown, [None]):
        start, image = held
        pts = max(round(start / encoder.time_base), last + 1)
        until = round((end if following is None else following[0]) / encoder.time_base)
        yield start, encoder.encode(image, pts, max(until - pts, 1))
        held, last = following, pts
    yield float("inf"), encoder.finish()


def _add_sound(
    container, reader: PyAVReader, cuts: Sequence[Cut]
) -> Iterator[tuple[float, list]]:
    """Adds a stream of sound; gives its packets, each with its time in seconds."""
    stream = container.add_stream("aac", RATE)
    stream.codec_context.layout = "mono"
    stream.codec_context.bit_rate = BIT_RATE
    make_reproducible(stream)
    return _sound_packets(stream, reader, cuts)


def _sound_packets(
    stream, reader: PyAVReader, cuts: Sequence[Cut]
) -> Iterator[tuple[float, list]]:
    stream.codec_context.open()
    size, done = stream.codec_context.frame_size, 0
    left = np.zeros(0, np.float32)
    for cut in cuts:
        for sound in sound_of(reader, cut):
            left = np.concatenate([left, sound])
            whole = len(left) // size * size
            for at in range(0, whole, size):
                yield done / RATE, _encoded(stream, left[at : at + size], done)
                done += size
            left = left[whole:]
    if len(left):
        yield done / RATE, _encoded(stream, left, done)
    yield float("inf"), stream.encode(None)


def _encoded(stream, samples: np.ndarray, first: int) -> list:
    frame = av.AudioFrame.from_ndarray(
        np.ascontiguousarray(samples[None]), "fltp", "mono"
    )
    frame.sample_rate, frame.pts, frame.time_base = RATE, first, Fraction(1, RATE)
    return stream.encode(frame)


def sound_of(reader: PyAVReader, cut: Cut) -> Iterator[np.ndarray]:
    """The sound of a cut in pieces, that fades in and out at its edges."""
    total, fade = round((cut.end - cut.start) * RATE), round(FADE * RATE)
    piece = round(BLOCK * RATE)
    done = 0
    while done < total:
        # what is left over would be too short for a fade
        count = total - done if total - done < piece + 2 * fade else piece
        begin = cut.start + done / RATE
        sound = reader.waveform(begin, begin + count / RATE, RATE)[:count]
        sound = np.pad(sound, (0, count - len(sound)))
        whole = faded(sound, RATE, FADE)
        if done:
            whole[:fade] = sound[:fade]
        if done + count < total:
            whole[-fade:] = sound[-fade:]
        yield whole
        done += count
