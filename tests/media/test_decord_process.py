"""decord crashes, hangs and is killed in a process of its own; readers go on."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from helpers_media import numbers, write_coded
from torch.utils.data import DataLoader, Dataset

from mmstconv.media import MediaLimits, MediaTimeoutError, open_media
from mmstconv.media.decord.process import PROCESS, DecordError

pytest.importorskip("decord")
COUNT = 30
TIMES = np.arange(COUNT) / 25


@pytest.fixture
def clip(tmp_path):
    return write_coded(tmp_path / "a.mp4", COUNT)


def child() -> int:
    """The process that decord runs in now."""
    return PROCESS._child.pid


def read(path, short_side=None):
    with open_media(path, "decord", timeout=20) as media:
        frames = media.frames_at(TIMES, short_side)
        return frames, media.uses_decord, media.damage


def ended(pid: int) -> bool:
    """Whether a process is gone, at the latest after ten seconds."""
    for _ in range(100):
        try:
            with open(f"/proc/{pid}/stat") as file:
                if file.read().rsplit(")", 1)[1].split()[0] == "Z":
                    return True
        except FileNotFoundError:
            return True
        time.sleep(0.1)
    return False


def test_one_process_for_all_files(tmp_path, clip):
    read(clip)
    first = child()
    assert first != os.getpid()
    frames, by_decord, damage = read(write_coded(tmp_path / "b.mp4", COUNT))
    assert (numbers(frames), by_decord, damage) == (list(range(COUNT)), True, ())
    assert child() == first


def test_two_files_at_once(tmp_path, clip):
    other = write_coded(tmp_path / "b.mkv", COUNT, width=64)
    with open_media(clip, "decord") as one, open_media(other, "decord") as two:
        for time_ in (0.4, 0.8):
            assert one.frames_at([time_])[0].shape == (96, 128, 3)
            assert two.frames_at([time_])[0].shape == (96, 64, 3)
        assert one.uses_decord and two.uses_decord


def test_smaller_frames_are_like_those_of_pyav(clip):
    frames, by_decord, _ = read(clip, 48)
    with open_media(clip) as media:
        others = media.frames_at(TIMES, 48)
    assert by_decord
    for frame, other in zip(frames, others):
        assert frame.shape == other.shape == (48, 64, 3)
        assert np.abs(frame.astype(int) - other).mean() < 3


def test_crash(tmp_path, clip):
    """A fragment that says it begins in years: decord calls abort()."""
    options = {"movflags": "frag_keyframe+empty_moov"}
    path = write_coded(tmp_path / "b.mp4", COUNT, container_options=options)
    content = path.read_bytes()
    start = content.index(b"tfdt") + 8
    late = (2**40 - 2**32).to_bytes(8, "big")
    path.write_bytes(content[:start] + late + content[start + 8 :])

    code = "import sys, decord; decord.VideoReader(sys.argv[1]).get_batch([0, 1])"
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True)
    assert done.returncode == -signal.SIGABRT

    with pytest.raises(DecordError, match="SIGABRT"):
        list(PROCESS.frames(str(path), [0, 1], 2, 20))
    limits = MediaLimits(max_seconds=1e9)
    with open_media(path, limits=limits) as media:
        expected = media.frames_at(TIMES)
    with open_media(path, "decord", limits=limits) as media:
        frames = media.frames_at(TIMES)
        assert not media.uses_decord
    assert all(np.array_equal(a, b) for a, b in zip(frames, expected))
    assert read(clip)[1]


def test_killed(clip):
    with open_media(clip, "decord") as media:
        assert numbers(media.frames_at([0.0])) == [0]
        os.kill(child(), signal.SIGKILL)
        assert numbers(media.frames_at([0.4])) == [10]
        assert not media.uses_decord
    assert read(clip)[1]


def test_hang(clip):
    """The process is stopped, as by a decoder that never returns."""
    read(clip)
    stopped = child()
    os.kill(stopped, signal.SIGSTOP)
    begin = time.monotonic()
    with open_media(clip, "decord", timeout=0.3) as media:
        with pytest.raises(MediaTimeoutError, match=r"a\.mp4: was not read"):
            media.frames_at(TIMES)
    assert time.monotonic() - begin < 5
    assert ended(stopped)
    assert read(clip)[1]


def test_complaint(tmp_path, clip):
    """Damage that decord only writes to stderr: PyAV decodes, and says what it is."""
    content = bytearray(clip.read_bytes())
    middle = content.index(b"mdat") + 1500
    content[middle : middle + 100] = bytes(range(1, 101))
    path = tmp_path / "b.mp4"
    path.write_bytes(content)
    frames, by_decord, damage = read(path)
    with open_media(path) as media:
        expected = media.frames_at(TIMES)
        assert media.damage
        assert damage == media.damage
    assert not by_decord
    assert all(np.array_equal(a, b) for a, b in zip(frames, expected))


class Clips(Dataset):
    def __init__(self, path) -> None:
        self.path = path

    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> tuple[int, bool, int]:
        with open_media(self.path, "decord", timeout=60) as media:
            number = numbers(media.frames_at([index / 25 + 0.01]))[0]
            return number, media.uses_decord, child()


def test_loader_processes(clip):
    """Daemonic processes, forked off one that has a child already."""
    # Other tests' decoders have threads, which a forked process could not end.
    gc.collect()
    with open_media(clip, "decord") as media:
        media.frames_at([0.0])
        own = child()
        loader = DataLoader(
            Clips(clip), num_workers=2, batch_size=None, multiprocessing_context="fork"
        )
        shown, by_decord, children = zip(*loader)
        assert shown == tuple(range(8)) and all(by_decord)
        assert len(set(children)) == 2 and own not in children
        assert numbers(media.frames_at([0.4])) == [10]
        assert media.uses_decord and child() == own
    assert all(ended(pid) for pid in set(children))


def test_nothing_is_left_of_a_killed_process(clip):
    code = (
        "import sys, time; from mmstconv.media import open_media\n"
        "from mmstconv.media.decord.process import PROCESS\n"
        "media = open_media(sys.argv[1], 'decord'); media.frames_at([0.0])\n"
        "print(PROCESS._child.pid, flush=True); time.sleep(60)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, clip], stdout=subprocess.PIPE, text=True
    )
    pid = int(process.stdout.readline())
    assert os.path.exists(f"/proc/{pid}")
    process.kill()
    process.communicate()
    assert ended(pid)
