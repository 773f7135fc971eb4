"""Reads mutated media files one after the other and says what became of each.

A process of its own, so that a crash or a hang ends only this one: the line that names
a file is out before the file is opened. Run by test_fuzz.py:

    python fuzz_child.py READER FOLDER    # jobs on stdin, `NAME SEED` a line

READER is pyav, bytes (pyav, the file in memory) or decord. A SEED of FAULTS is a fault
of this process, so that a test can see whether it is noticed.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from helpers_fuzz import COUNT, FPS, mutate

from mmstconv.media import MediaError, open_media
from mmstconv.media.trust.sources import IN_MEMORY

RATE = 16000
SHORT_SIDE = 40
MEMORY = 4 << 30


class Content(NamedTuple):
    frames: list[np.ndarray]
    sound: np.ndarray
    damage: tuple[str, ...]
    by_decord: bool
    start: float

    def like(self, other: Content) -> bool:
        """Whether it looks and sounds the same, to within coding noise."""
        pairs = list(zip(self.frames, other.frames))
        return (
            all(a.shape == b.shape for a, b in pairs)
            and all(np.abs(a.astype(int) - b).mean() < 4 for a, b in pairs)
            and np.abs(self.sound - other.sound).mean() < 0.01
            and len(self.frames) == len(other.frames)
        )

    def lacks(self, other: Content) -> bool:
        """Whether the picture or the sound of the other is gone."""
        loud, was_loud = (float(np.sqrt((x**2).mean())) for x in (self[1], other[1]))
        silent = loud < was_loud / 10 and abs(self.start - other.start) < 1
        return bool(other.frames and not self.frames) or silent


def read(path: Path, reader: str) -> Content:
    """Everything a pipeline asks of a file; fails if the answers are not sound."""
    source = path.read_bytes() if reader == "bytes" else path
    reader = "decord" if reader == "decord" else "pyav"
    with open_media(source, reader, timeout=10) as media:
        info = media.info
        for name, value in vars(info).items():
            if isinstance(value, float):
                assert np.isfinite(value), (name, value)
        start, end = media.extent
        assert np.isfinite([start, end]).all() and start < end, (start, end)
        frames = []
        if media.has_video:
            assert info.width > 0 and info.height > 0, info
            assert info.video_start < info.video_end, info
            times = [*np.linspace(start, end, 5), start - 1, end + 1]
            _check_frames(media.frames_at(times), len(times))
            _check_frames(media.frames_at(times[2:4], short_side=SHORT_SIDE), 2, True)
            frames = media.frames_at(np.arange(COUNT) / FPS + 0.01)
            _check_frames(frames, COUNT)
        if media.has_audio:
            assert info.sample_rate > 0, info
            assert info.audio_start <= info.audio_end, info
        for begin in (start, end - 0.5, 1e6):
            _check_sound(media.waveform(begin, begin + 1, RATE), RATE)
        sound = media.waveform(0.0, COUNT / FPS, RATE)
        _check_sound(sound, round(COUNT / FPS * RATE))
        damage = media.damage
        by_decord = getattr(media, "uses_decord", False)
    assert isinstance(damage, tuple) and all(isinstance(d, str) for d in damage), damage
    return Content(frames, sound, damage, by_decord, start)


def _check_frames(frames: list, count: int, scaled: bool = False) -> None:
    assert len(frames) == count, (len(frames), count)
    for frame in frames:
        assert frame.dtype == np.uint8 and frame.ndim == 3, (frame.dtype, frame.shape)
        assert frame.shape[2] == 3 and min(frame.shape) > 0, frame.shape
        assert not scaled or min(frame.shape[:2]) == SHORT_SIDE, frame.shape


def _check_sound(sound: np.ndarray, length: int) -> None:
    assert sound.shape == (length,) and sound.dtype == np.float32, sound.shape
    assert np.isfinite(sound).all(), "sound that is no number"
    assert np.abs(sound).max(initial=0) <= 1, "sound beyond [-1, 1]"


def bad(path: Path) -> None:
    _check_sound(np.full(RATE, np.nan, np.float32), RATE)


def crash(path: Path) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def hang(path: Path) -> None:
    time.sleep(60)


def fail(path: Path) -> None:
    raise KeyError(path)


FAULTS = {"bad": bad, "crash": crash, "hang": hang, "raise": fail}


def outcomes(reader: str, folder: Path, jobs: Iterator[str]) -> Iterator[dict]:
    """The child's lines: the name of a job, then its outcome."""
    whole = {}
    for job in jobs:
        name, seed = job.split()
        path = folder / f"{seed}-{name}"
        yield dict(job=job.strip())
        if name not in whole:
            whole[name] = read(folder / name, reader)
            assert not whole[name].damage, (name, whole[name].damage)
        path.write_bytes(mutate((folder / name).read_bytes(), f"{seed} {name}"))
        try:
            FAULTS.get(seed, Path)(path)
            content = read(path, reader)
        except MediaError as error:
            named = IN_MEMORY if reader == "bytes" else str(path)
            assert str(error).startswith(named), error
            outcome = type(error).__name__
        except Exception as error:
            yield dict(failure=f"{type(error).__name__}: {error}")
            continue  # the file stays
        else:
            outcome = "flagged" if content.damage else "ok"
            outcome += "" if content.like(whole[name]) else ", differs"
            if outcome == "ok, differs" and content.lacks(whole[name]):
                outcome = "ok, lost"
            outcome += " (decord)" if content.by_decord else ""
        path.unlink()
        yield dict(outcome=outcome)


def main() -> None:
    reader, folder = sys.argv[1:]
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, hard))
    for line in outcomes(reader, Path(folder), sys.stdin):
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
