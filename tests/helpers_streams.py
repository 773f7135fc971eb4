"""Streams that are awkward to read, tiny: field-coded, edited, shifted, cut, joined."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from fractions import Fraction

import av
import numpy as np

SIDE = 32
RATE = 25
CLOCK = Fraction(1, 90000)


def level(number: int) -> int:
    """The grey of a frame; that of the next ones is far from it."""
    return 20 + number * 67 % 211


def picture(number: int, width: int = SIDE, height: int = SIDE) -> np.ndarray:
    image = np.full((height, width, 3), level(number), np.uint8)
    image[: height // 2, : width // 2] = 255 - level(number)
    return image


def encode(
    suffix: str,
    codec: str = "libx264",
    stamps=None,
    count: int = 40,
    options: dict | None = None,
    muxer: dict | None = None,
    gop_size: int = 12,
    aspect: Fraction | None = None,
    first: int = 0,
    pixels: str = "yuv420p",
) -> bytes:
    """A file of frames of level ``first`` and on, at multiples of 1/25 s."""
    stamps = range(count) if stamps is None else stamps
    file = io.BytesIO()
    with av.open(file, "w", format=FORMATS[suffix], options=muxer or {}) as target:
        stream = target.add_stream(codec, RATE, options=options or {})
        stream.width = stream.height = SIDE
        stream.pix_fmt = pixels
        stream.codec_context.gop_size = gop_size
        stream.codec_context.thread_count = 1
        if aspect:
            stream.codec_context.sample_aspect_ratio = aspect
        for number, stamp in enumerate(stamps):
            frame = av.VideoFrame.from_ndarray(picture(first + number))
            frame.pts, frame.time_base = int(stamp), Fraction(1, RATE)
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    return file.getvalue()


FORMATS = {
    "mp4": "mp4",
    "mov": "mov",
    "mkv": "matroska",
    "ts": "mpegts",
    "mpg": "mpeg",
    "avi": "avi",
    "flv": "flv",
    "webm": "webm",
}


def without_beginning(content: bytes, suffix: str, dropped: int) -> bytes:
    """A file without its first packets, the key frame among them."""
    return remux(content, suffix, lambda packets: packets[dropped:])


def remux(content: bytes, suffix: str, choose) -> bytes:
    file = io.BytesIO()
    with (
        av.open(io.BytesIO(content)) as source,
        av.open(file, "w", format=FORMATS[suffix]) as target,
    ):
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in choose([p for p in source.demux(video=0) if p.size]):
            packet.stream = stream
            target.mux(packet)
    return file.getvalue()


# ISO base media: boxes


def boxes(content: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Kinds, and where the boxes begin and end, headers included."""
    while start < end:
        size, kind = struct.unpack(">I4s", content[start : start + 8])
        yield kind, start, start + size
        start += size


def find(content: bytes, *path: bytes) -> tuple[int, int]:
    """Where the first box on a path begins and ends."""
    start, end = 0, len(content)
    for depth, kind in enumerate(path):
        inside = start + 8 if depth else start
        start, end = next(
            (a, b) for found, a, b in boxes(content, inside, end) if found == kind
        )
    return start, end


def with_edits(content: bytes, edits: list[tuple[float, float]]) -> bytes:
    """An MP4 or QuickTime file that shows parts of itself: starts and durations."""
    time_scale = int.from_bytes(_full(content, 12, b"moov", b"mvhd"), "big")
    path = b"moov", b"trak", b"mdia", b"mdhd"
    media_scale = int.from_bytes(_full(content, 12, *path), "big")
    delay = _first_offset(content)
    entries = b"".join(
        struct.pack(
            ">IiI",
            round(duration * time_scale),
            delay + round(start * media_scale),
            1 << 16,
        )
        for start, duration in edits
    )
    listed = struct.pack(">I4sII", 16 + len(entries), b"elst", 0, len(edits)) + entries
    box = struct.pack(">I4s", 8 + len(listed), b"edts") + listed
    start, end = find(content, b"moov", b"trak", b"edts")
    changed = bytearray(content)
    changed[start:end] = box
    for outer in ((b"moov",), (b"moov", b"trak")):
        at, _ = find(content, *outer)
        size = int.from_bytes(content[at : at + 4], "big") + len(box) - (end - start)
        changed[at : at + 4] = size.to_bytes(4, "big")
    # Places of the data stay, for it comes before.
    assert find(content, b"mdat")[0] < find(content, b"moov")[0]
    return bytes(changed)


def _full(content: bytes, offset: int, *path: bytes) -> bytes:
    start, _ = find(content, *path)
    return content[start + 8 + offset : start + 12 + offset]


def _first_offset(content: bytes) -> int:
    """Where the first edit begins on the media's own clock."""
    start, _ = find(content, b"moov", b"trak", b"edts", b"elst")
    return int.from_bytes(content[start + 20 : start + 24], "big")


def shifted(content: bytes, seconds: float) -> bytes:
    """A fragmented MP4 file of one stream whose clock begins later."""
    path = b"moov", b"trak", b"mdia", b"mdhd"
    move = round(seconds * int.from_bytes(_full(content, 12, *path), "big"))
    changed = bytearray(content)
    for kind, start, end in boxes(content, 0, len(content)):
        if kind != b"moof":
            continue
        for inner, a, b in boxes(content, start + 8, end):
            if inner != b"traf":
                continue
            at = next(p for k, p, _ in boxes(content, a + 8, b) if k == b"tfdt")
            assert content[at + 8] == 1  # 64 bits
            time = int.from_bytes(content[at + 12 : at + 20], "big") + move
            changed[at + 12 : at + 20] = time.to_bytes(8, "big")
    return bytes(changed)


# H.264 by hand: each frame two fields of raw samples, each field its own packet


class _Writer:
    def __init__(self) -> None:
        self.bits = ""

    def put(self, value: int, count: int = 1) -> _Writer:
        self.bits += f"{value:0{count}b}" if count else ""
        return self

    def golomb(self, *values: int) -> _Writer:
        for value in values:
            text = f"{value + 1:b}"
            self.bits += "0" * (len(text) - 1) + text
        return self

    def align(self, bit: str = "0") -> _Writer:
        self.bits += bit * (-len(self.bits) % 8)
        return self

    def raw(self, content: bytes) -> _Writer:
        self.bits += "".join(f"{byte:08b}" for byte in content)
        return self

    def unit(self, header: int) -> bytes:
        self.bits += "1"
        self.align()
        data = int(self.bits, 2).to_bytes(len(self.bits) // 8, "big")
        escaped, zeros = bytearray(), 0
        for byte in data:
            if zeros >= 2 and byte <= 3:
                escaped.append(3)
                zeros = 0
            escaped.append(byte)
            zeros = zeros + 1 if byte == 0 else 0
        return b"\0\0\0\1" + bytes([header]) + bytes(escaped)


def _parameters() -> bytes:
    size = SIDE // 16
    sequence = _Writer().put(77, 8).put(0, 8).put(30, 8)
    sequence.golomb(0, 0, 0, 4, 2).put(0).golomb(size - 1, size // 2 - 1)
    sequence.put(0b00100, 5)  # fields; no frames of mixed blocks; direct; whole; plain
    picture = _Writer().golomb(0, 0).put(0, 2).golomb(0, 0, 0).put(0, 3)
    picture.golomb(0, 0, 0).put(0b100, 3)
    return sequence.unit(0x67) + picture.unit(0x68)


def _field(number: int, gop_size: int, bottom: int) -> bytes:
    place = number % gop_size
    is_reference = place % 3 == 0
    starts = place == 0 and not bottom
    slice_ = _Writer().golomb(0, 7, 0)
    slice_.put(-(-place // 3) % 16, 4).put(1).put(bottom)
    if starts:
        slice_.golomb(number // gop_size % 2)
    slice_.put(2 * place + bottom, 8)
    if is_reference:
        slice_.put(0, 2 if starts else 1)
    slice_.golomb(0, 1)
    grey = level(number) * 219 // 255 + 16
    for _ in range((SIDE // 16) * (SIDE // 32)):
        slice_.golomb(25).align().raw(bytes([grey] * 256 + [128] * 128))
    return slice_.unit((0x65 if starts else 0x61) if is_reference else 0x01)


def fields(suffix: str, count: int = 24, gop_size: int = 12) -> bytes:
    packets = []
    for number in range(count):
        for bottom in (0, 1):
            is_key = number % gop_size == 0 and not bottom
            head = _parameters() if is_key else b""
            packets.append((head + _field(number, gop_size, bottom), is_key))
    raw = b"".join(content for content, _ in packets)
    file = io.BytesIO()
    with (
        av.open(io.BytesIO(raw), format="h264") as source,
        av.open(file, "w", format=FORMATS[suffix]) as target,
    ):
        stream = target.add_stream_from_template(source.streams.video[0])
        stream.time_base = CLOCK
        for index, (content, is_key) in enumerate(packets):
            packet = av.Packet(content)
            packet.pts = packet.dts = index * 1800
            packet.duration, packet.time_base = 1800, CLOCK
            packet.is_keyframe, packet.stream = is_key, stream
            target.mux(packet)
    return file.getvalue()
