"""Writing media files: frames with their own time stamps, sound with its own start."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import chain
from pathlib import Path

import numpy as np

FORMATS = {
    ".mp4": "mp4",
    ".m4v": "mp4",
    ".mov": "mov",
    ".m4a": "ipod",
    ".3gp": "3gp",
    ".mkv": "matroska",
    ".webm": "webm",
    ".avi": "avi",
    ".ts": "mpegts",
    ".mpg": "mpeg",
    ".flv": "flv",
    ".wmv": "asf",
    ".ogg": "ogg",
    ".wav": "wav",
    ".mp3": "mp3",
    ".flac": "flac",
}

LAYOUTS = {1: "mono", 2: "stereo", 3: "2.1", 4: "quad", 6: "5.1", 8: "7.1"}

CODEC_OPTIONS = {
    "libx264": {"preset": "veryfast", "crf": "18"},
    "libvpx-vp9": {"cpu-used": "8", "deadline": "realtime", "crf": "20", "b": "0"},
}

# Numbers of ISO/IEC 23091-2, as FFmpeg writes them into the file.
COLORSPACES = {"bt709": 1, "bt601": 5}

MUXER_OPTIONS = {
    # AVI has no time stamps. Moving everything by the sound encoder's priming, as the
    # muxer would, puts empty frames in front of the video.
    ".avi": {"avoid_negative_ts": "disabled"},
    # A late start would be rounded to a millisecond.
    ".mp4": {"movie_timescale": "90000"},
    ".m4v": {"movie_timescale": "90000"},
    ".m4a": {"movie_timescale": "90000"},
    ".mov": {"movie_timescale": "90000"},
}

VARIABLE_TIME_BASE = Fraction(1, 90000)


def write_media(
    path: str | os.PathLike,
    frames: Iterable[np.ndarray] | None = None,
    fps: float | Fraction | None = None,
    waveform: np.ndarray | None = None,
    sample_rate: int | None = None,
    *,
    frame_times: Sequence[float] | None = None,
    video_codec: str = "libx264",
    audio_codec: str = "aac",
    audio_offset: float = 0.0,
    pix_fmt: str = "yuv420p",
    colorspace: str | None = None,
    full_range: bool = False,
    rotation: int = 0,
    gop_size: int | None = None,
    audio_bit_rate: int | None = None,
    video_options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    layout: str | None = None,
    record: str | os.PathLike | None = None,
) -> Path:
    """Encodes frames and sound into one file.

    The file appears under its name only when it is whole: it is written beside it and
    then moved. A file that is there is replaced only if it was written here. Encoders
    run on one thread, so the same input gives the same bytes.

    Args:
        path: Target; the suffix chooses the container (see ``FORMATS``).
        frames: RGB images, uint8, ``(H, W, 3)``, all of one size; may be a generator.
        fps: Constant frame rate. Exactly one of ``fps`` and ``frame_times`` is given
            with ``frames``.
        waveform: Sound in [-1, 1], ``(samples,)`` or ``(channels, samples)``.
        sample_rate: Of ``waveform``, in Hz.
        frame_times: Time of each frame in seconds, rising: a variable frame rate, or a
            video that starts late.
        video_codec: FFmpeg's name of an encoder.
        audio_codec: FFmpeg's name of an encoder.
        audio_offset: Time in seconds at which the sound begins.
        pix_fmt: Encoder's pixel format; ``yuv444p`` for H.264 of odd size.
        colorspace: ``'bt709'`` or ``'bt601'`` converts and tags so; None converts with
            BT.601 and leaves the file untagged.
        full_range: Use and tag full instead of limited range.
        rotation: Degrees counter-clockwise that a player has to turn the frames by, a
            multiple of 90, stored in the container's display matrix.
        gop_size: Frames between key frames; None leaves it to the encoder.
        audio_bit_rate: In bits per second; None leaves it to the encoder.
        video_options: Encoder options that replace the default ones.
        container_options: Options of the muxer.
        layout: Channel layout; by default chosen by the number of channels.
        record: Folder that knows what was written here; None: the file's own.

    Returns:
        The path written.

    Raises:
        ValueError: If an argument does not fit the others.
        ForeignFile: If there is a file that was not written here.

    Example:
        >>> frames = np.zeros((50, 64, 64, 3), np.uint8)
        >>> tone = 0.1 * np.sin(2 * np.pi * 440 * np.arange(32000) / 16000)
        >>> write_media("clip.mp4", frames, 25, tone, 16000)
    """
    import av

    from ...disk import own_file  # not above: reading stands alone

    path = Path(path)
    if path.suffix.lower() not in FORMATS:
        raise ValueError(
            f"cannot tell the container of '{path}': its suffix must be one of "
            f"{sorted(FORMATS)}"
        )
    if frames is None and waveform is None:
        raise ValueError("write_media needs frames, a waveform, or both")
    if frames is not None and (fps is None) == (frame_times is None):
        raise ValueError("write_media needs exactly one of fps and frame_times")
    if waveform is not None and not sample_rate:
        raise ValueError("write_media needs the sample_rate of the waveform")
    if rotation % 90:
        raise ValueError(f"rotation must be a multiple of 90 degrees, got {rotation}")

    options = {
        "fflags": "+bitexact",
        **MUXER_OPTIONS.get(path.suffix.lower(), {}),
        **(container_options or {}),
    }
    with own_file(path, record) as part:
        format = FORMATS[path.suffix.lower()]
        with av.open(str(part), "w", format=format, options=options) as container:
            # All streams exist before the first packet: encoding writes the header.
            video = audio = iter(())
            if frames is not None:
                frames = iter(frames)
                first = next(frames, None)
                if first is None:
                    raise ValueError("write_media got an empty sequence of frames")
                stream = _add_video_stream(
                    container,
                    first.shape,
                    fps,
                    video_codec,
                    pix_fmt,
                    colorspace,
                    full_range,
                    gop_size,
                    CODEC_OPTIONS.get(video_codec)
                    if video_options is None
                    else video_options,
                )
                if rotation % 360:
                    stream.set_display_rotation(rotation)
                video = _video_packets(
                    stream, chain([first], frames), fps, frame_times, colorspace
                )
            if waveform is not None:
                samples = np.atleast_2d(np.asarray(waveform, np.float32))
                layout = layout or LAYOUTS.get(len(samples))
                if layout is None:
                    raise ValueError(
                        f"no default layout for {len(samples)} channels; pass layout="
                    )
                stream = container.add_stream(audio_codec, int(sample_rate))
                stream.codec_context.layout = layout
                stream.codec_context.thread_count = 1
                stream.codec_context.flags |= int(av.codec.context.Flags.bitexact)
                if audio_bit_rate:
                    stream.codec_context.bit_rate = audio_bit_rate
                audio = _audio_packets(
                    stream, samples, int(sample_rate), layout, audio_offset
                )
            for packet in _interleave(video, audio):
                container.mux(packet)
    return path


def _add_video_stream(
    container, shape, fps, codec, pix_fmt, colorspace, full_range, gop_size, options
):
    from av.codec.context import Flags
    from av.video.reformatter import ColorRange

    rate = Fraction(fps).limit_denominator(1001) if fps is not None else Fraction(30)
    stream = container.add_stream(codec, rate, options=dict(options or {}))
    context = stream.codec_context
    stream.height, stream.width = shape[:2]
    stream.pix_fmt = pix_fmt
    context.time_base = 1 / rate if fps is not None else VARIABLE_TIME_BASE
    context.thread_count = 1
    context.flags |= int(Flags.bitexact)
    if gop_size is not None:
        context.gop_size = gop_size
    if colorspace is not None:
        context.colorspace = COLORSPACES[colorspace]
    if full_range:
        context.color_range = int(ColorRange.JPEG)
    return stream


def _video_packets(stream, frames, fps, frame_times, colorspace) -> Iterator[tuple]:
    import av
    from av.video.reformatter import ColorRange, VideoReformatter

    context = stream.codec_context
    converter = VideoReformatter()  # one for all frames: setting it up takes longer
    matrix = COLORSPACES[colorspace or "bt601"]
    color_range = int(context.color_range)
    if color_range != ColorRange.JPEG:
        color_range = int(ColorRange.MPEG)
    last, duration = -1, 0
    for index, image in enumerate(frames):
        time_base = context.time_base
        if fps is not None:
            seconds, pts = index * float(time_base), index
        else:
            seconds = float(frame_times[index])
            pts = round(seconds / time_base)
        if pts <= last:
            raise ValueError(f"frame_times must rise, frame {index} does not")
        last = pts
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), "rgb24")
        frame = converter.reformat(
            frame,
            format=stream.pix_fmt,
            dst_colorspace=matrix,
            dst_color_range=color_range,
            interpolation="BICUBIC",
        )
        frame.pts, frame.time_base = pts, time_base
        if fps is not None:
            frame.duration = 1
        elif index + 1 < len(frame_times):
            frame.duration = round(float(frame_times[index + 1]) / time_base) - pts
            duration = frame.duration
        else:  # nothing says how long the last frame is shown: as the one before
            frame.duration = duration or round(1 / 25 / time_base)
        yield seconds, stream.encode(frame)
    yield float("inf"), stream.encode(None)


def _audio_packets(stream, samples, rate, layout, offset) -> Iterator[tuple]:
    import av

    context = stream.codec_context
    context.open()
    step = context.frame_size or 1024
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


def _interleave(*sources: Iterator[tuple]) -> Iterator[list]:
    """Takes from the source that is behind, so that neither stream waits in memory."""
    heads = [next(source, None) for source in sources]
    while any(head is not None for head in heads):
        index = min(
            (i for i, head in enumerate(heads) if head is not None),
            key=lambda i: heads[i][0],
        )
        yield heads[index][1]
        heads[index] = next(sources[index], None)
