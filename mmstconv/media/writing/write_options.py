"""How a file that is written is encoded: containers by suffix, codecs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# FFmpeg's name of the container, by suffix.
CONTAINERS = {
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


@dataclass(frozen=True)
class VideoCoding:
    """How frames are encoded.

    Args:
        codec: FFmpeg's name of an encoder.
        options: Of the encoder; None: some for quick writing at high quality.
        gop_size: Frames between key frames; None leaves it to the encoder.
        pix_fmt: The encoder's pixel format; ``yuv444p`` for H.264 of odd size.
        colorspace: ``'bt709'`` or ``'bt601'`` converts and tags so; None converts with
            BT.601 and leaves the file untagged.
        full_range: Use and tag full instead of limited range.
        rotation: Degrees counter-clockwise that a player has to turn the frames by, a
            multiple of 90, stored in the container's display matrix.
    """

    codec: str = "libx264"
    options: Mapping[str, str] | None = None
    gop_size: int | None = None
    pix_fmt: str = "yuv420p"
    colorspace: str | None = None
    full_range: bool = False
    rotation: int = 0

    def __post_init__(self) -> None:
        if self.rotation % 90:
            raise ValueError(
                f"rotation must be a multiple of 90 degrees, got {self.rotation}"
            )


@dataclass(frozen=True)
class SoundCoding:
    """How sound is encoded.

    Args:
        codec: FFmpeg's name of an encoder.
        bit_rate: In bits per second; None leaves it to the encoder.
        layout: Channel layout; None: chosen by the number of channels.
    """

    codec: str = "aac"
    bit_rate: int | None = None
    layout: str | None = None
