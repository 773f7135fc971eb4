"""Files made to crash, bomb or hang a reader: each gets a typed answer."""

from __future__ import annotations

import struct
import time
import zlib
from fractions import Fraction

import av
import numpy as np
import pytest
from helpers_hostile import box
from helpers_media import coded_frame, coded_frames, frame_number, write_coded
from helpers_memory import measure

from mmstconv.media import (
    MediaError,
    MediaLimitError,
    MediaLimits,
    MediaTimeoutError,
    SoundCoding,
    UnreadableMediaError,
    VideoCoding,
    open_media,
    write_media,
)
from mmstconv.media.trust.errors import FileErrors
from mmstconv.media.trust.limits import PATIENCE, Deadline

RATE = 16000
SIZE = 64, 48
EXIF = {1: (0, False), 2: (0, True), 3: (2, False), 4: (2, True)}
EXIF |= {5: (1, True), 6: (3, False), 7: (3, True), 8: (1, False)}


def encoded(codec, pix_fmt, image):
    """One picture as the codec's encoder writes it."""
    context = av.CodecContext.create(codec, "w")
    context.height, context.width = image.shape[:2]
    context.pix_fmt, context.time_base = pix_fmt, Fraction(1, 25)
    frame = av.VideoFrame.from_ndarray(image, "rgb24").reformat(format=pix_fmt)
    frame.pts = 0
    return b"".join(map(bytes, [*context.encode(frame), *context.encode(None)]))


def write_pictures(path, codec, pix_fmt, pictures, size):
    """A film of pictures that are encoded already."""
    with av.open(str(path), "w") as target:
        stream = target.add_stream(codec, 25)
        stream.width, stream.height = size
        stream.pix_fmt = pix_fmt
        for number, content in enumerate(pictures):
            packet = av.Packet(content)
            packet.stream, packet.time_base = stream, Fraction(1, 25)
            packet.pts = packet.dts = number
            packet.is_keyframe = True
            target.mux(packet)
    return path


def with_png_chunk(picture, kind, content):
    """Behind the header, which is the first chunk."""
    chunk = struct.pack(">I", len(content)) + kind + content
    chunk += struct.pack(">I", zlib.crc32(kind + content))
    return picture[:33] + chunk + picture[33:]


def with_exif(picture, orientation):
    """A JPEG picture that says how to show it."""
    entry = struct.pack(">HHIHH", 0x0112, 3, 1, orientation, 0)
    exif = b"Exif\0\0MM\0*" + struct.pack(">IH", 8, 1) + entry + bytes(4)
    return (
        picture[:2]
        + b"\xff\xe1"
        + struct.pack(">H", len(exif) + 2)
        + exif
        + picture[2:]
    )


def test_a_colour_profile_does_not_end_the_process(tmp_path):
    """PNG in MOV and AVI; the reader's process comes to its end."""
    picture = encoded("png", "rgb24", coded_frame(5, *SIZE))
    profile = b"profile\0\0" + zlib.compress(bytes(600))
    picture = with_png_chunk(picture, b"iCCP", profile)
    for suffix in (".mov", ".avi"):
        path = tmp_path / f"a{suffix}"
        write_pictures(path, "png", "rgb24", [picture] * 3, SIZE)
        assert measure(path)["shape"] == [48, 64, 3]
        with open_media(path) as media:
            assert frame_number(media.frames_at([0.0])[0]) == 5


@pytest.mark.parametrize("suffix", [".avi", ".mov", ".mkv"])
def test_pictures_that_say_how_to_show_them(tmp_path, suffix):
    upright = coded_frame(9, 128, 96)
    for orientation, (turns, mirror) in EXIF.items():
        stored = np.rot90(upright, -turns)
        stored = np.ascontiguousarray(stored[:, ::-1] if mirror else stored)
        picture = with_exif(encoded("mjpeg", "yuvj420p", stored), orientation)
        size = stored.shape[1::-1]
        path = tmp_path / f"{orientation}{suffix}"
        write_pictures(path, "mjpeg", "yuvj420p", [picture] * 3, size)
        with open_media(path) as media:
            assert frame_number(media.frames_at([0.04])[0]) == 9, orientation
            assert media.info.mirrored == mirror, orientation


def test_mirrored_matroska(tmp_path):
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as target:
        stream = target.add_stream("mpeg4", 25)
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        stream.set_display_rotation(0, hflip=True)
        mirrored = np.ascontiguousarray(coded_frame(3)[:, ::-1])
        target.mux(stream.encode(av.VideoFrame.from_ndarray(mirrored, "rgb24")))
        target.mux(stream.encode(None))
    with open_media(path) as media:
        assert frame_number(media.frames_at([0.0])[0]) == 3


def bomb(size):
    """So many zeros, compressed."""
    pack = zlib.compressobj(9)
    part = bytes(1 << 20)
    return b"".join(pack.compress(part) for _ in range(size >> 20)) + pack.flush()


@pytest.mark.parametrize("kind", [b"iCCP", b"zTXt"])
@pytest.mark.parametrize("suffix", [".mov", ".avi"])
def test_a_picture_that_inflates(tmp_path, kind, suffix):
    content = b"name\0\0" + bomb(200 << 20)
    picture = with_png_chunk(
        encoded("png", "rgb24", coded_frame(5, *SIZE)), kind, content
    )
    path = write_pictures(tmp_path / f"a{suffix}", "png", "rgb24", [picture] * 6, SIZE)
    found = measure(path, limits=dict(max_bytes=32 << 20))
    if kind == b"iCCP":  # FFmpeg goes on without a text that it cannot hold
        assert found["error"] in ("MediaLimitError", "UnreadableMediaError")
    assert found["grown"] < 120


def test_a_header_that_inflates(tmp_path):
    """QuickTime's compressed header, and a table of very many samples."""
    claim = 1 << 30
    compressed = box(b"dcom", b"zlib") + box(
        b"cmvd", struct.pack(">I", claim) + zlib.compress(bytes(1 << 20))
    )
    path = tmp_path / "a.mov"
    path.write_bytes(box(b"moov", box(b"cmov", compressed)) + box(b"mdat", bytes(64)))
    assert measure(path) | dict(grown=0) == dict(
        grown=0, shape=None, extent=None, error="MediaLimitError"
    )
    film = write_coded(tmp_path / "b.mp4", 5)
    content = film.read_bytes()
    place = content.index(b"stsz") + 8
    many = struct.pack(">II", 1, 200_000_000)  # all of one size
    content = content[:place] + many + content[place + 8 :]
    place = content.index(b"stsc") + 8 + 8
    content = content[:place] + struct.pack(">I", 200_000_000) + content[place + 4 :]
    film.write_bytes(content)
    found = measure(film)
    assert found["error"] and found["grown"] < 700


def test_sound_without_a_clock(tmp_path):
    """All packets have one time stamp: what is held does not grow with the file."""
    noise = np.random.default_rng(0).integers(-9000, 9000, 48000 * 8, dtype=np.int16)
    whole = write_media(
        tmp_path / "whole.mkv",
        waveform=(noise / 32768).astype(np.float32)[None],
        sample_rate=48000,
        sound=SoundCoding(codec="flac"),
    )
    path = tmp_path / "a.mkv"
    with av.open(str(whole)) as source, av.open(str(path), "w") as target:
        stream = target.add_stream_from_template(source.streams.audio[0])
        packets = [packet for packet in source.demux(audio=0) if packet.size]
        for packet in packets * 20:
            copy = av.Packet(bytes(packet))
            copy.stream, copy.time_base = stream, packet.time_base
            copy.pts = copy.dts = 0
            target.mux(copy)
    found = measure(path, sound=True)
    assert found["error"] is None and found["grown"] < 60
    with open_media(path) as media:
        media.waveform(0.0, 1.0, RATE)
        assert any("more sound than" in line for line in media.damage)


@pytest.mark.parametrize(("codec", "kind"), [("pcm_f32le", "f"), ("pcm_f64le", "d")])
def test_sound_without_a_value(tmp_path, codec, kind):
    """NaN, infinity and what is beyond all loudness are silent, the rest stays."""
    times = np.arange(2 * RATE) / RATE
    tone = (0.3 * np.sin(2 * np.pi * 440 * times)).astype(np.float32)
    path = write_media(
        tmp_path / "a.mov",
        waveform=tone[None],
        sample_rate=RATE,
        sound=SoundCoding(codec=codec),
    )
    content = bytearray(path.read_bytes())
    width = struct.calcsize(kind)
    at = 16000
    mark = struct.pack(f"<{kind}", tone[at]) + struct.pack(f"<{kind}", tone[at + 1])
    start = content.index(mark) - at * width
    wrong = {at: "nan", at + 1: "inf", at + 2: "-inf", at + 3: "1e30"}
    for sample, value in wrong.items():
        place = start + sample * width
        content[place : place + width] = struct.pack(f"<{kind}", float(value))
    path.write_bytes(content)
    with open_media(path) as media:
        assert np.allclose(media.waveform(0.0, 0.5, RATE), tone[:8000], atol=1e-6)
        assert media.damage == ()
        found = media.waveform(0.5, 1.5, RATE)
        assert media.damage == (f"sound samples without a value: {len(wrong)}",)
    expected = tone[8000:24000].copy()
    expected[[sample - 8000 for sample in wrong]] = 0
    assert np.allclose(found, expected, atol=1e-6)


def test_fragments_that_repeat(tmp_path):
    """FFmpeg would search the index from end to end, for each fragment."""
    options = {"movflags": "frag_keyframe+empty_moov"}
    path = write_coded(tmp_path / "a.mp4", 24, container_options=options)
    content = path.read_bytes()
    first = content.index(b"moof") - 4
    second = content.index(b"moof", first + 8) - 4
    for times in (1, 2000):
        path.write_bytes(content[:first] + content[first:second] * times)
        with_time = time.thread_time()
        try:
            with open_media(path, timeout=3) as media:
                media.frames_at([0.1, 0.2])
            assert times == 1
        except UnreadableMediaError as error:
            assert times > 1 and "time stamps do not rise" in str(error)
        assert time.thread_time() - with_time < 3


def test_processor_time_counts():
    """Not what others do with the machine, but for a long time."""
    deadline = Deadline("a.mp4", 0.05)
    time.sleep(0.1)
    deadline.check()
    with pytest.raises(MediaTimeoutError):
        while True:
            deadline.check()
    deadline.start()
    time.sleep(0.05 * PATIENCE)
    with pytest.raises(MediaTimeoutError):
        deadline.check()


@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
@pytest.mark.parametrize("suffix", [".mp4", ".ts"])
def test_pixels_at_the_limit(tmp_path, codec, suffix):
    """Decoders round sides up to 16; what counts is the frame."""
    width, height = 102, 74
    path = write_media(
        tmp_path / f"a{suffix}",
        coded_frames(5, width, height),
        25,
        video=VideoCoding(codec=codec, options={}),
    )
    for limit in (width * height, width * height - 1, width * height // 2):
        try:
            with open_media(path, limits=MediaLimits(max_pixels=limit)) as media:
                frames = media.frames_at([media.extent[0]])
            assert frames[0].shape == (height, width, 3)
            assert limit == width * height
        except MediaLimitError as error:
            assert "max_pixels" in str(error), error
            assert limit < width * height or suffix == ".ts"


def test_whose_error_it_is():
    for raised in (ValueError("x"), KeyError("x"), OverflowError(), RuntimeError()):
        with pytest.raises(MediaError, match=r"a\.mp4: cannot be opened"):
            with FileErrors("a.mp4", "opened"):
                raise raised
    with pytest.raises(MediaLimitError, match="memory"), FileErrors("a.mp4", "opened"):
        raise MemoryError
    for mistake in (TypeError, AttributeError, NameError, AssertionError):
        with pytest.raises(mistake), FileErrors("a.mp4", "opened"):
            raise mistake


def test_a_cluster_of_very_many_blocks_is_whole(tmp_path):
    """As sound with tiny packets makes them."""
    path = write_media(
        tmp_path / "a.mkv",
        waveform=np.zeros((1, RATE), np.float32),
        sample_rate=RATE,
        sound=SoundCoding(codec="pcm_s16le"),
    )
    content = path.read_bytes()
    block = b"\xa3\x86\x81\0\0\x80" + bytes(2)
    blocks = b"\xe7\x81\0" + block * 110_000
    cluster = b"\x1f\x43\xb6\x75\x01" + len(blocks).to_bytes(7, "big")
    start = content.index(b"\x1f\x43\xb6\x75")
    head = bytearray(content[:start])
    place = head.index(b"\x18\x53\x80\x67") + 4
    head[place : place + 8] = b"\x01" + b"\xff" * 7  # of unknown size
    path.write_bytes(bytes(head) + cluster + blocks)
    with open_media(path) as media:
        media.waveform(0.0, 0.1, RATE)
        assert not any("check sum" in line for line in media.damage)
