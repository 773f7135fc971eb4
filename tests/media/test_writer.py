"""What is written can be read, is the same every time, and never half there."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from helpers_media import chirp_sound, coded_frames, numbers

from mmstconv.disk import ForeignFile
from mmstconv.disk.own import RECORD
from mmstconv.media import VideoCoding, open_media, write_media


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi"])
def test_same_input_same_bytes(tmp_path, name):
    digests = set()
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        path = write_media(
            tmp_path / folder / name,
            coded_frames(25),
            25,
            chirp_sound(1, 0.2, 16000)[0],
            16000,
        )
        digests.add(hashlib.sha256(path.read_bytes()).hexdigest())
    assert len(digests) == 1


def test_frames_may_be_a_generator(tmp_path):
    path = write_media(tmp_path / "a.mp4", (f for f in coded_frames(5)), 25)
    with open_media(path) as media:
        assert numbers(media.frames_at(np.arange(5) / 25)) == [0, 1, 2, 3, 4]


def test_a_folder_whose_name_begins_like_a_protocol(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x:y").mkdir()
    with open_media(write_media("x:y/a.mp4", coded_frames(5), 25)) as media:
        assert media.has_video


def test_interruption_leaves_the_old_file(tmp_path):
    path = write_media(tmp_path / "a.mp4", coded_frames(5), 25)
    before = path.read_bytes()

    def broken():
        yield from coded_frames(3)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_media(path, broken(), 25)
    assert path.read_bytes() == before
    assert {p.name for p in tmp_path.iterdir()} == {"a.mp4", RECORD}
    path.write_bytes(b"mine")
    with pytest.raises(ForeignFile, match=r"a\.mp4 is there and was not written by"):
        write_media(path, coded_frames(5), 25)
    assert path.read_bytes() == b"mine"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(), "needs frames, a waveform, or both"),
        (dict(frames=[np.zeros((32, 32, 3), np.uint8)]), "exactly one of fps"),
        (
            dict(frames=[np.zeros((32, 32, 3), np.uint8)], fps=5, frame_times=[0.0]),
            "exactly one of fps",
        ),
        (dict(frames=[], fps=25), "empty sequence"),
        (dict(waveform=np.zeros(10)), "sample_rate"),
        (dict(waveform=np.zeros((5, 10)), sample_rate=8000), "5 channels"),
        (
            dict(frames=[np.zeros((32, 32, 3), np.uint8)] * 2, frame_times=[1.0, 1.0]),
            "must rise",
        ),
    ],
)
def test_wrong_arguments(tmp_path, arguments, message):
    with pytest.raises(ValueError, match=message):
        write_media(tmp_path / "a.mp4", **arguments)
    assert not list(tmp_path.iterdir())


def test_rotation_by_quarters():
    with pytest.raises(ValueError, match=r"rotation must be a multiple of 90 .* 45"):
        VideoCoding(rotation=45)


def test_unknown_suffix(tmp_path):
    with pytest.raises(ValueError, match=r"a\.xyz"):
        write_media(tmp_path / "a.xyz", coded_frames(1), 25)
