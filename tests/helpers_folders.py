"""Folders of small videos whose pictures differ, as users have them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from mmstconv.media import SoundCoding, VideoCoding, write_media

RATE = 16000


def write_clip(
    path: Path, seed: int, *, frames: int = 12, sound: bool = True, silent: bool = False
) -> Path:
    """A second of a picture that moves; another seed is another picture and tone."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 255, (6, 16, 3), dtype=np.uint8)
    wide = cv2.resize(coarse, (192, 64), interpolation=cv2.INTER_CUBIC)
    pictures = [
        np.ascontiguousarray(wide[:, 2 * k : 2 * k + 96]) for k in range(frames)
    ]
    times = np.arange(RATE) / RATE
    tone = np.sin(2 * np.pi * rng.uniform(200, 2000) * times, dtype=np.float32)
    heard = dict(waveform=(tone * (not silent))[None] / 4, sample_rate=RATE)
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_media(
        path,
        pictures,
        frames,  # a second
        video=VideoCoding(codec="libx264", gop_size=12),
        sound=SoundCoding(codec="aac"),
        **(heard if sound else {}),
    )


def contents(folder: Path) -> dict[str, tuple]:
    """What would change if anything in a folder were touched."""
    return {
        str(path): (path.lstat().st_mtime_ns, path.lstat().st_size)
        for path in [folder, *folder.rglob("*")]
    }
