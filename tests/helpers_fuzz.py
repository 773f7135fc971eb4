"""Broken media files: small real ones of every container, and mutations of them."""

from __future__ import annotations

import random
from pathlib import Path

from helpers_media import chirp_sound, coded_frames

from mmstconv.media import SoundCoding, VideoCoding, write_media

RATE = 44100
COUNT, FPS = 20, 25
SIZE = dict(width=64, height=48)

# name: video and audio codec, options of the muxer
CORPUS = {
    "h264.mp4": ("libx264", "aac", {}),
    "fragmented.mp4": ("libx264", "aac", {"movflags": "frag_keyframe+empty_moov"}),
    "faststart.mp4": ("libx264", "aac", {"movflags": "faststart"}),
    "hevc.mp4": ("libx265", "aac", {}),
    "mpeg4.mov": ("mpeg4", "pcm_s16le", {}),
    "h264.mkv": ("libx264", "libmp3lame", {}),
    "mjpeg.mkv": ("mjpeg", "flac", {}),
    "vp9.webm": ("libvpx-vp9", "libopus", {}),
    "vp8.webm": ("libvpx", "libopus", {}),
    "mpeg4.avi": ("mpeg4", "libmp3lame", {}),
    "h264.ts": ("libx264", "aac", {}),
    "mpeg2.mpg": ("mpeg2video", "mp2", {}),
    "h264.flv": ("libx264", "aac", {}),
    "wmv2.wmv": ("wmv2", "libmp3lame", {}),
    "opus.ogg": (None, "libopus", {"page_duration": "100000"}),
    "aac.m4a": (None, "aac", {}),
    "pcm.wav": (None, "pcm_s16le", {}),
    "lame.mp3": (None, "libmp3lame", {}),
    "flac.flac": (None, "flac", {}),
}
OPTIONS = {"libx265": {"x265-params": "log-level=none", "preset": "ultrafast"}}

# Sizes, counts and offsets at the edges of their types.
EDGES = [0, 1, 2, 7, 8, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF]
EDGES += [0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 2**62, 2**63 - 1, 2**63, 2**64 - 1]


def write_corpus(folder: Path, names=None) -> list[Path]:
    """Writes the whole files, some 5 to 60 kB each."""
    return [_write(Path(folder) / name, *CORPUS[name]) for name in names or CORPUS]


def _write(path: Path, video: str | None, audio: str, muxer: dict) -> Path:
    rate = 48000 if "opus" in audio else RATE
    sound = dict(
        waveform=chirp_sound(COUNT / FPS, 0.2, rate, 2),
        sample_rate=rate,
        sound=SoundCoding(codec=audio),
        container_options=muxer,
    )
    if video is None:
        return write_media(path, **sound)
    return write_media(
        path,
        coded_frames(COUNT, **SIZE),
        FPS,
        video=VideoCoding(
            codec=video,
            options=OPTIONS.get(video),
            pix_fmt="yuvj420p" if video == "mjpeg" else "yuv420p",
            gop_size=6,
        ),
        **sound,
    )


def mutate(content: bytes, seed: int | str) -> bytes:
    """One to four random changes; the same for the same seed."""
    rng = random.Random(f"mutate {seed}")
    data = bytearray(content)
    for _ in range(rng.choice([1, 1, 1, 2, 4])):
        if len(data) > 16:
            rng.choice(MUTATIONS)(data, rng)
    return bytes(data)


def _place(data: bytearray, rng: random.Random) -> int:
    """Anywhere; twice as often where containers keep their structure: at the ends."""
    ends = min(len(data), 2048)
    start = rng.choice([0, 0, len(data) - ends, None])
    return rng.randrange(len(data)) if start is None else start + rng.randrange(ends)


def _span(data: bytearray, rng: random.Random) -> slice:
    start = _place(data, rng)
    return slice(start, min(len(data), start + int(2 ** rng.uniform(0, 12))))


def _flip(data: bytearray, rng: random.Random) -> None:
    for _ in range(int(2 ** rng.uniform(0, 6))):
        data[_place(data, rng)] ^= 1 << rng.randrange(8)


def _overwrite(data: bytearray, rng: random.Random) -> None:
    span = _span(data, rng)
    size = span.stop - span.start
    data[span] = rng.choice([bytes(size), b"\xff" * size, rng.randbytes(size)])


def _edge(data: bytearray, rng: random.Random) -> None:
    for _ in range(rng.choice([1, 1, 4])):
        size, start = rng.choice([1, 2, 4, 8]), _place(data, rng)
        value = rng.choice(EDGES) % 256**size
        data[start : start + size] = value.to_bytes(size, rng.choice(["big", "little"]))


def _truncate(data: bytearray, rng: random.Random) -> None:
    del data[rng.randrange(8, len(data)) :]


def _insert(data: bytearray, rng: random.Random) -> None:
    start = _place(data, rng)
    data[start:start] = rng.randbytes(int(2 ** rng.uniform(0, 10)))


def _delete(data: bytearray, rng: random.Random) -> None:
    del data[_span(data, rng)]


def _duplicate(data: bytearray, rng: random.Random) -> None:
    start = _place(data, rng)
    data[start:start] = data[_span(data, rng)]


MUTATIONS = [_flip, _overwrite, _edge, _edge, _truncate, _insert, _delete, _duplicate]
