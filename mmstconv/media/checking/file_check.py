"""What is known of a file that was checked."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple


class Sound(NamedTuple):
    """How the sound of a file is stored.

    Args:
        channels: Their number.
        rate: Samples a second.
        codec: FFmpeg's name of it.
    """

    channels: int
    rate: int
    codec: str


class FileCheck(NamedTuple):
    """What was found in one file. Of a file that cannot be read little is known.

    Args:
        path: As it was given.
        error: Why the file cannot be used; None if it can.
        codec: FFmpeg's name of the video's; None without video.
        width: Of an upright frame in square pixels, as training sees it; 0 without.
        height: The same.
        rate: Frames a second, on average; 0 without video.
        variable_rate: Whether frames lie off an even grid of times, so that a frame's
            number does not tell its time.
        rotation: Degrees counter-clockwise by which stored frames are turned.
        aspect: How much wider than high a stored pixel is shown.
        duration: Seconds of the video, or of the sound if there is no video.
        frames: Number of frames that are shown; 0 without video.
        sound: How it is stored; None without sound.
        sound_offset: Seconds from the first frame to the first sound; negative where
            the sound begins earlier. None unless there are both.
        silent: Whether no decoded sample is louder than -60 dB of full scale. False
            without sound.
        damage: What the reader mended or skipped in the parts that were read; None if
            nothing.
        digest: SHA-256 of the content, hexadecimal; None if it cannot be read.
        picture_hash: Perceptual hash of a few frames, hexadecimal: files whose
            pictures look the same have nearly the same. None where pictures say
            nothing, as black ones.
        motion: How these frames differ from each other, hexadecimal.
    """

    path: Path
    error: str | None = None
    codec: str | None = None
    width: int = 0
    height: int = 0
    rate: float = 0.0
    variable_rate: bool = False
    rotation: int = 0
    aspect: float = 1.0
    duration: float = 0.0
    frames: int = 0
    sound: Sound | None = None
    sound_offset: float | None = None
    silent: bool = False
    damage: str | None = None
    digest: str | None = None
    picture_hash: str | None = None
    motion: str | None = None

    @property
    def problem(self) -> str | None:
        """Why a file is bad, in words: it cannot be used, or is damaged."""
        return self.error or self.damage
