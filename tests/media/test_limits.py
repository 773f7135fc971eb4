"""Files made to take all memory or time are refused, and how much that takes."""

from __future__ import annotations

import pickle
import struct
import time
from fractions import Fraction

import av
import numpy as np
import pytest
from helpers_media import coded_frames, numbers, write_coded
from helpers_memory import measure

from mmstconv.media import (
    MediaError,
    MediaLimitError,
    MediaLimits,
    MediaTimeoutError,
    SoundCoding,
    open_media,
    write_media,
)

WIDE = 12000, 4000  # 48 million pixels; the limit is 40
X264 = {"preset": "ultrafast"}
VP9 = {"deadline": "realtime", "cpu-used": "8"}


def write_grey(path, size, codec="libx264", pix_fmt="yuv420p", options=None):
    """Two grey frames: large, and next to nothing in the file."""
    with av.open(str(path), "w") as target:
        stream = target.add_stream(codec, 25, options=dict(options or {}))
        stream.width, stream.height = size
        stream.pix_fmt = pix_fmt
        stream.codec_context.thread_count = 1
        frame = av.VideoFrame(*size, pix_fmt)
        for plane in frame.planes:
            plane.update(bytes([128]) * plane.buffer_size)
        for number in range(2):
            frame.pts = number
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    return path


def lie_about_size(path):
    """The header of the mp4 says 64 x 64; the stream itself does not."""
    content = path.read_bytes()
    for true, claim in (
        (struct.pack(">HH", *WIDE), struct.pack(">HH", 64, 64)),
        (struct.pack(">II", *(s << 16 for s in WIDE)), struct.pack(">II", 64, 64)),
    ):
        assert true in content
        content = content.replace(true, claim)
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt", "options"),
    [
        ("a.mp4", "libx264", "yuv420p", X264),
        ("lie.mp4", "libx264", "yuv420p", X264),
        ("a.ts", "libx264", "yuv420p", X264),
        ("a.flv", "libx264", "yuv420p", X264),
        ("a.mpg", "mpeg2video", "yuv420p", {}),
        ("a.avi", "mjpeg", "yuvj420p", {}),
        ("a.mov", "png", "gray", {}),
        pytest.param("a.webm", "libvpx-vp9", "yuv420p", VP9, marks=pytest.mark.slow),
    ],
)
def test_huge_frames(tmp_path, name, codec, pix_fmt, options):
    path = write_grey(tmp_path / name, WIDE, codec, pix_fmt, options)
    if name == "lie.mp4":
        lie_about_size(path)
    found = measure(path)
    assert found["error"] == "MediaLimitError"
    assert found["grown"] < 60  # a single frame is 69 MiB
    with pytest.raises(MediaLimitError, match="max_pixels") as caught:
        with open_media(path) as media:
            media.frames_at([0.0])
    assert str(path) in str(caught.value)
    assert isinstance(pickle.loads(pickle.dumps(caught.value)), MediaLimitError)


def write_growing(path, sizes, codec, options):
    """A stream whose frames change size, ten of each."""
    tick = Fraction(1, 25)
    with av.open(str(path), "w") as target:
        stream = None
        for part, size in enumerate(sizes):
            context = av.CodecContext.create(codec, "w")
            context.width, context.height = size
            context.pix_fmt, context.options = "yuv420p", options
            context.framerate, context.time_base = 25, tick
            context.thread_count = 1
            if stream is None:
                stream = target.add_stream(codec, 25, options=dict(options))
                stream.width, stream.height = size
                stream.pix_fmt = "yuv420p"
            packets = []
            for number, image in enumerate(coded_frames(10, *size)):
                frame = av.VideoFrame.from_ndarray(image, "rgb24")
                frame.pts, frame.time_base = 10 * part + number, tick
                packets += context.encode(frame)
            for packet in [*packets, *context.encode(None)]:
                packet.stream, packet.time_base = stream, tick
                target.mux(packet)
    return path


GROWING = [
    ("a.ts", "libx264", X264),
    ("a.webm", "libvpx-vp9", VP9),
]


@pytest.mark.parametrize(("name", "codec", "options"), GROWING)
def test_frames_that_grow(tmp_path, name, codec, options):
    """A size above the limit is noticed where it begins, and not before."""
    sizes = (128, 96), (256, 192)
    path = write_growing(tmp_path / name, sizes, codec, options)
    limits = MediaLimits(max_pixels=200 * 150)
    with open_media(path, limits=limits) as media:
        start = media.extent[0]
        assert numbers(media.frames_at([start, start + 0.1])) == [0, 2]
        with pytest.raises(MediaLimitError, match="max_pixels"):
            media.frames_at([start + 0.7])


@pytest.mark.parametrize(("name", "codec", "options"), GROWING)
def test_one_size_for_all_frames(tmp_path, name, codec, options):
    """Frames of one call can be stacked, whatever the file does."""
    sizes = (128, 96), (256, 192)
    path = write_growing(tmp_path / name, sizes, codec, options)
    with open_media(path) as media:
        frames = media.frames_at(media.extent[0] + np.arange(20) / 25 + 0.01)
    assert {frame.shape for frame in frames} == {(96, 128, 3)}
    assert numbers(frames) == [*range(10), *range(10)]


def test_a_thin_frame_does_not_grow_out_of_bounds(tmp_path):
    path = write_grey(tmp_path / "a.mov", (8192, 2), "png", "gray")
    with open_media(path) as media:
        assert media.frames_at([0.0], short_side=4)[0].shape == (4, 16384, 3)
        with pytest.raises(MediaLimitError, match="pixels"):
            media.frames_at([0.0], short_side=256)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
def test_many_streams(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    with av.open(str(path), "w") as target:
        streams = [target.add_stream("aac", 16000, layout="mono") for _ in range(40)]
        for stream in streams:
            frame = av.AudioFrame.from_ndarray(
                np.zeros((1, 1024), np.float32), "fltp", "mono"
            )
            frame.sample_rate = 16000
            target.mux([*stream.encode(frame), *stream.encode(None)])
    with pytest.raises(MediaLimitError, match=r"3\d .*streams.*max_streams") as caught:
        open_media(path)
    assert str(path) in str(caught.value)
    with open_media(path, limits=MediaLimits(max_streams=64)) as media:
        assert media.has_audio


def test_long_claims(tmp_path):
    """A clock that ticks once a second, a duration of ten days."""
    no_edits = {"use_editlist": "0"}
    clock = write_coded(tmp_path / "a.mp4", 200, container_options=no_edits)
    content = clock.read_bytes()
    place = content.index(b"mdhd") + 16  # ticks a second
    clock.write_bytes(content[:place] + struct.pack(">I", 1) + content[place + 4 :])
    claim = write_coded(tmp_path / "a.mkv", 5)
    content = claim.read_bytes()
    place = content.index(b"\x44\x89\x88") + 3  # Duration, in milliseconds
    content = content[:place] + struct.pack(">d", 1e9) + content[place + 8 :]
    claim.write_bytes(content)
    for path in (clock, claim):
        with pytest.raises(MediaLimitError, match=r"has \d+ seconds.*max_seconds"):
            with open_media(path) as media:
                _ = media.extent
    with open_media(claim, limits=MediaLimits(max_seconds=1e7)) as media:
        assert media.extent == pytest.approx((0, 0.2))


@pytest.mark.parametrize(
    ("field", "value"),
    [("<I", 2**31 - 1), ("<I", 50_000_000), ("<H", 60_000), ("<H", 200)],
)
def test_absurd_sound(tmp_path, field, value):
    """A rate or a number of channels nobody hears."""
    path = write_media(
        tmp_path / "a.wav",
        waveform=np.zeros(16000, np.float32),
        sample_rate=16000,
        sound=SoundCoding(codec="pcm_s16le"),
    )
    content = bytearray(path.read_bytes())
    place = 24 if field == "<I" else 22
    content[place : place + struct.calcsize(field)] = struct.pack(field, value)
    path.write_bytes(content)
    # FFmpeg itself finds 60,000 channels too many.
    kind = MediaError if value == 60_000 else MediaLimitError
    with pytest.raises(kind, match=r"a\.wav: has "):
        with open_media(path) as media:
            media.waveform(0.0, 1.0, 16000)


@pytest.fixture(scope="module")
def long_group(tmp_path_factory):
    """One key frame, so that the last frame takes decoding all of them."""
    return write_coded(
        tmp_path_factory.mktemp("long") / "a.mp4",
        1500,
        width=320,
        height=240,
        gop_size=100_000,
        video_options={"preset": "ultrafast", "x264-params": "scenecut=0"},
    )


@pytest.mark.parametrize("reader", ["pyav", "decord"])
def test_time_limit(long_group, reader):
    if reader == "decord":
        pytest.importorskip("decord")
    began = time.monotonic()
    with pytest.raises(MediaTimeoutError, match=r"within 0\.01 s") as caught:
        with open_media(long_group, reader, timeout=0.01) as media:
            media.frames_at([59.9, 59.99])
    assert time.monotonic() - began < 2
    assert str(long_group) in str(caught.value)


def test_time_limit_counts_anew(long_group):
    with open_media(long_group, timeout=0.5) as media:
        for at in np.linspace(0, 1, 8):
            media.frames_at([at])
            time.sleep(0.1)


def test_time_limit_of_opening(long_group):
    """FFmpeg itself is interrupted: it has not returned by then."""
    with pytest.raises(MediaTimeoutError, match="was not read within"):
        open_media(long_group, timeout=1e-6)


def test_arguments_are_checked(long_group):
    for options in (dict(max_pixels=0), dict(max_seconds=-1), dict(max_streams=0)):
        with pytest.raises(ValueError, match="must be positive"):
            MediaLimits(**options)
    with pytest.raises(TypeError, match="max_pixels must be a number, got '40'"):
        MediaLimits(max_pixels="40")
    with pytest.raises(ValueError, match="timeout must be positive"):
        open_media(long_group, timeout=0)
