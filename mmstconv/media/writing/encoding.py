"""Encoding frames and sound into the streams of an open container.

Encoders run on one thread, so the same input gives the same bytes.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import chain

import av
import numpy as np
from av.codec.context import Flags
from av.video.reformatter import ColorRange, VideoReformatter

from .write_options import CONTAINERS, SoundCoding, VideoCoding

CHANNEL_LAYOUTS = {1: "mono", 2: "stereo", 3: "2.1", 4: "quad", 6: "5.1", 8: "7.1"}
CODEC_OPTIONS = {
    "libx264": {"preset": "veryfast", "crf": "18"},
    "libvpx-vp9": {"cpu-used": "8", "deadline": "realtime", "crf": "20", "b": "0"},
}
# Seconds that the last frame is shown if it is also the first one.
ONLY_FRAME_SECONDS = Fraction(1, 25)
# Numbers of ISO/IEC 23091-2, as FFmpeg writes them into the file.
COLORSPACES = {"bt709": 1, "bt601": 5}
# For streams without a frame rate: 1/90000 s, as in MPEG streams.
VARIABLE_TIME_BASE = Fraction(1, 90000)
MP4_OPTIONS = {"movie_timescale": "90000"}  # else a late start is rounded to 1 ms
# Options of the muxer by suffix.
MUXER_OPTIONS = {
    # AVI has no time stamps. The muxer would move everything by the sound encoder's
    # priming, which puts empty frames in front of the video.
    ".avi": {"avoid_negative_ts": "disabled"},
    **dict.fromkeys((".mp4", ".m4v", ".m4a", ".mov"), MP4_OPTIONS),
}
# Samples that are encoded at once if the encoder takes any number.
STEP = 1024


def open_container(path, suffix: str, options: Mapping[str, str] | None = None):
    """A container to write; the same streams give the same bytes.

    Args:
        path: The file to write.
        suffix: That the file will have; it chooses the container.
        options: Of the muxer, beside or instead of what is chosen by the suffix.
    """
    chosen = MUXER_OPTIONS.get(suffix, {})
    options = {"fflags": "+bitexact", **chosen, **(options or {})}
    path = os.path.abspath(path)  # "a:b.mp4" would be of a protocol "a"
    return av.open(path, "w", format=CONTAINERS[suffix], options=options)


def make_reproducible(stream) -> None:
    """Lets a stream's encoder give the same bytes for the same input.

    x264's macroblock tree does not, where a processor has AVX-512.
    """
    if stream.codec_context.codec.name == "libx264":
        stream.options = {**stream.options, "mbtree": "0"}
    stream.codec_context.thread_count = 1
    stream.codec_context.flags |= int(Flags.bitexact)


class ImageEncoder:
    """Encodes RGB images into one video stream.

    Args:
        stream: Of an open container; its pixel format and colour range are set.
        colorspace: ``'bt709'`` or ``'bt601'``.
    """

    def __init__(self, stream, colorspace: str) -> None:
        self.stream = stream
        self._matrix = COLORSPACES[colorspace]
        full = int(stream.codec_context.color_range) == ColorRange.JPEG
        self._range = int(ColorRange.JPEG if full else ColorRange.MPEG)
        self._reformatter = VideoReformatter()  # one for all frames: quicker

    @property
    def time_base(self) -> Fraction:
        """The stream's unit of time, in seconds."""
        return self.stream.codec_context.time_base

    def encode(self, image: np.ndarray, pts: int, duration: int) -> list:
        """The packets that an image completes.

        Args:
            image: RGB, uint8 ``(H, W, 3)``.
            pts: When it is shown, in units of the stream's ``time_base``.
            duration: For how long, in the same units.
        """
        frame = self._reformatter.reformat(
            av.VideoFrame.from_ndarray(np.ascontiguousarray(image), "rgb24"),
            format=self.stream.pix_fmt,
            dst_colorspace=self._matrix,
            dst_color_range=self._range,
            interpolation="BICUBIC",
        )
        frame.pts, frame.duration = pts, duration
        frame.time_base = self.time_base
        return self.stream.encode(frame)

    def finish(self) -> list:
        """The packets that are left at the end."""
        return self.stream.encode(None)


def add_video(
    container,
    frames: Iterable[np.ndarray],
    fps: float | Fraction | None,
    times: Sequence[float] | None,
    coding: VideoCoding,
) -> Iterator[tuple[float, list]]:
    """Adds a video stream; gives its packets, each with its time in seconds."""
    frames = iter(frames)
    first = next(frames, None)
    if first is None:
        raise ValueError("write_media got an empty sequence of frames")
    options = coding.options
    if options is None:
        options = CODEC_OPTIONS.get(coding.codec, {})
    rate = Fraction(fps).limit_denominator(1001) if fps is not None else Fraction(30)
    stream = container.add_stream(coding.codec, rate, options=dict(options))
    stream.height, stream.width = first.shape[:2]
    stream.pix_fmt = coding.pix_fmt
    context = stream.codec_context
    context.time_base = 1 / rate if fps is not None else VARIABLE_TIME_BASE
    make_reproducible(stream)
    if coding.gop_size is not None:
        context.gop_size = coding.gop_size
    if coding.colorspace is not None:
        context.colorspace = COLORSPACES[coding.colorspace]
    if coding.full_range:
        context.color_range = int(ColorRange.JPEG)
    if coding.rotation % 360:
        stream.set_display_rotation(coding.rotation)
    encoder = ImageEncoder(stream, coding.colorspace or "bt601")
    return _video_packets(encoder, chain([first], frames), times)


def _video_packets(
    encoder: ImageEncoder, frames: Iterable[np.ndarray], times: Sequence[float] | None
) -> Iterator[tuple[float, list]]:
    """Encodes; a constant rate without times."""
    last, duration = -1, 0
    for index, image in enumerate(frames):
        time_base = encoder.time_base
        if times is None:
            seconds, pts, duration = index * float(time_base), index, 1
        else:
            seconds = float(times[index])
            pts = round(seconds / time_base)
            if index + 1 < len(times):
                duration = round(float(times[index + 1]) / time_base) - pts
            # else nothing says how long the last frame is shown: as the one before
            duration = duration or round(ONLY_FRAME_SECONDS / time_base)
        if pts <= last:
            raise ValueError(f"frame_times must rise, frame {index} does not")
        last = pts
        yield seconds, encoder.encode(image, pts, duration)
    yield float("inf"), encoder.finish()


def add_sound(
    container, samples: np.ndarray, rate: int, start: float, coding: SoundCoding
) -> Iterator[tuple[float, list]]:
    """Adds a sound stream; gives its packets, each with its time in seconds."""
    layout = coding.layout or CHANNEL_LAYOUTS.get(len(samples))
    if layout is None:
        raise ValueError(
            f"no default layout for {len(samples)} channels; pass "
            "sound=SoundCoding(layout=...)"
        )
    stream = container.add_stream(coding.codec, rate)
    stream.codec_context.layout = layout
    make_reproducible(stream)
    if coding.bit_rate:
        stream.codec_context.bit_rate = coding.bit_rate
    return _sound_packets(stream, samples, rate, layout, start)


def _sound_packets(
    stream, samples: np.ndarray, rate: int, layout: str, offset: float
) -> Iterator[tuple[float, list]]:
    context = stream.codec_context
    context.open()
    step = context.frame_size or STEP
    resampler = av.AudioResampler(context.format, layout, context.sample_rate)
    start = round(offset * rate)
    for begin in range(0, samples.shape[1], step):
        block = samples[:, begin : begin + step].T.reshape(1, -1)  # interleaved
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block), "flt", layout)
        frame.sample_rate = rate
        frame.pts, frame.time_base = start + begin, Fraction(1, rate)
        for converted in resampler.resample(frame):
            yield offset + begin / rate, stream.encode(converted)
    yield float("inf"), stream.encode(None)


def interleave(*sources: Iterable[tuple[float, list]]) -> Iterator[list]:
    """The packets of several streams by time, so that none waits in memory.

    Args:
        sources: Each yields ``(seconds, packets)``, rising.
    """
    rest = [iter(source) for source in sources]
    heads = [next(source, None) for source in rest]
    while any(head is not None for head in heads):
        index = min(
            (i for i, head in enumerate(heads) if head is not None),
            key=lambda i: heads[i][0],
        )
        yield heads[index][1]
        heads[index] = next(rest[index], None)
