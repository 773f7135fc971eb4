"""Real media files for tests: every frame says its number, every sound its time."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from mmstconv.media import SoundCoding, VideoCoding, write_media

BITS = 8
CHIRP_SECONDS = 0.4


def coded_frame(number: int, width: int = 128, height: int = 96) -> np.ndarray:
    """A frame whose upper half shows its number as black and white blocks."""
    frame = np.full((height, width, 3), 60, np.uint8)
    for bit in range(BITS):
        left, right = (width * bit) // BITS, (width * (bit + 1)) // BITS
        frame[: height // 2, left:right] = 235 if number >> bit & 1 else 20
    frame[height // 2 :, : width // 2, 0] = 200  # tells sides and colours apart
    return frame


def coded_frames(count: int, width: int = 128, height: int = 96) -> list[np.ndarray]:
    return [coded_frame(number, width, height) for number in range(count)]


def frame_number(frame: np.ndarray) -> int:
    """Reads the number of an upright frame; fails on any other orientation."""
    height, width = frame.shape[:2]
    lower = frame[height * 5 // 8 : height * 7 // 8].astype(float)
    marked, plain = lower[:, : width // 3].mean((0, 1)), lower[:, -width // 3 :].mean()
    assert marked[0] > 150 > 110 > marked[2], "the frame is not upright RGB"
    assert plain < 110, "the frame is not upright"
    number = 0
    for bit in range(BITS):
        left, right = (width * bit) // BITS, (width * (bit + 1)) // BITS
        quarter = (right - left) // 4
        block = frame[height // 8 : height * 3 // 8, left + quarter : right - quarter]
        value = block.mean()
        assert value < 90 or value > 165, f"bit {bit} is unreadable: {value:.0f}"
        number |= int(value > 128) << bit
    return number


def numbers(frames: list[np.ndarray]) -> list[int]:
    return [frame_number(frame) for frame in frames]


def shown_at(stamps: np.ndarray, times: np.ndarray) -> list[int]:
    """What should be shown: the last frame whose time stamp is not later."""
    index = np.searchsorted(stamps, np.asarray(times), "right") - 1
    return np.clip(index, 0, len(stamps) - 1).tolist()


def chirp(times: np.ndarray, at: float, top: float = 3000.0) -> np.ndarray:
    """A rising tone of 0.4 s that starts at a known time, as a function of time."""
    local = np.asarray(times, np.float64) - at
    inside = (local >= 0) & (local < CHIRP_SECONDS)
    envelope = np.sin(np.pi * np.clip(local / CHIRP_SECONDS, 0, 1)) ** 2
    phase = 2 * np.pi * (300 * local + (top - 300) * local**2 / (2 * CHIRP_SECONDS))
    return np.where(inside, 0.5 * envelope * np.sin(phase), 0.0)


def chirp_sound(
    seconds: float, at: float, rate: int, channels: int = 1, top: float = 3000.0
) -> np.ndarray:
    sound = chirp(np.arange(round(seconds * rate)) / rate, at, top)
    return np.tile(sound.astype(np.float32), (channels, 1))


def lag(found: np.ndarray, expected: np.ndarray, rate: int) -> float:
    """By how many seconds ``found`` is late, from the peak of the correlation."""
    size = 1 << (len(found) + len(expected)).bit_length()
    product = np.fft.rfft(found, size) * np.conj(np.fft.rfft(expected, size))
    correlation = np.fft.irfft(product, size)
    peak = int(np.argmax(correlation))
    before, top, after = correlation[[peak - 1, peak, (peak + 1) % size]]
    offset = 0.5 * (before - after) / (before - 2 * top + after)
    return ((peak + size // 2) % size - size // 2 + offset) / rate


def write_coded(
    path: Path,
    count: int = 50,
    fps: float | None = 25,
    *,
    width: int = 128,
    height: int = 96,
    video_codec: str = "libx264",
    video_options: dict[str, str] | None = None,
    gop_size: int = 12,
    pix_fmt: str = "yuv420p",
    rotation: int = 0,
    audio_codec: str = "aac",
    **kwargs,
) -> Path:
    """A file of coded frames; stored turned where it has a rotation."""
    frames = coded_frames(count, width, height)
    turned = [np.rot90(frame, -rotation // 90) for frame in frames]
    return write_media(
        path,
        turned,
        fps,
        video=VideoCoding(
            codec=video_codec,
            options=video_options,
            gop_size=gop_size,
            pix_fmt=pix_fmt,
            rotation=rotation,
        ),
        sound=SoundCoding(codec=audio_codec),
        **kwargs,
    )


def id3_tag(payload: bytes = b"") -> bytes:
    size = len(payload)
    digits = [size >> 7 * shift & 0x7F for shift in (3, 2, 1, 0)]
    return b"ID3\x04\x00\x00" + struct.pack("4B", *digits) + payload
