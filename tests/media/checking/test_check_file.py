"""check_file: what is said of files that say themselves what they hold."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

import av
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))  # for helpers_media
from helpers_media import chirp_sound, coded_frames, write_coded

from mmstconv.media import SoundCoding, write_media
from mmstconv.media.checking.check_file import check_file
from mmstconv.media.checking.file_check import FileCheck, Sound
from mmstconv.media.checking.frame_times import is_variable

RATE = 16000
PCM = SoundCoding(codec="pcm_s16le")
SOUND = dict(waveform=chirp_sound(2, 0.5, RATE), sample_rate=RATE)


def test_what_a_file_holds(tmp_path):
    path = write_coded(
        tmp_path / "a.mp4", 50, 25, rotation=90, audio_offset=0.2, **SOUND
    )
    for full in (False, True):
        found = check_file(path, full)
        assert found.error is None and found.damage is None and not found.problem
        assert (found.codec, found.width, found.height) == ("h264", 128, 96)
        assert (found.rate, found.frames, found.rotation) == (25, 50, 90)
        assert found.sound == Sound(1, RATE, "aac") and not found.silent
        assert not found.variable_rate and found.aspect == 1
        assert abs(found.duration - 2) < 1e-3
        assert abs(found.sound_offset - 0.2) < 1025 / RATE  # AAC begins a frame early
        assert found.digest == hashlib.sha256(path.read_bytes()).hexdigest()
        assert len(found.picture_hash) == 5 * 16


def test_one_modality_only(tmp_path):
    silent = check_file(write_coded(tmp_path / "v.mkv", 20))
    assert silent.sound is None and silent.sound_offset is None and not silent.silent
    heard = check_file(write_media(tmp_path / "s.wav", sound=PCM, **SOUND))
    assert heard.codec is None and heard.picture_hash is None and heard.frames == 0
    assert heard.sound.codec.startswith("pcm") and abs(heard.duration - 2) < 1e-3


def test_silence_is_of_the_whole_sound(tmp_path):
    """A tone that no window meets is heard; noise below -60 dB is not."""
    sound = np.zeros(60 * RATE, np.float32)
    near = 1e-4 * np.random.default_rng(0).standard_normal(len(sound))
    late = sound.copy()
    late[25 * RATE : 26 * RATE] = 0.5
    for name, samples, expected in (
        ("zero", sound, True),
        ("near", near.clip(-9e-4, 9e-4).astype(np.float32), True),
        ("late", late, False),
    ):
        path = tmp_path / f"{name}.wav"
        write_media(path, waveform=samples, sample_rate=RATE, sound=PCM)
        assert check_file(path).silent is expected, name


def test_variable_rates(tmp_path):
    """Told by the times that the files were written with."""
    even = np.arange(40) / 25
    dropped = np.delete(even, 20)
    faster = np.concatenate([even[:20], even[20] + np.arange(20) / 50])
    for name, times, expected in (
        ("even", even, False),
        ("dropped", dropped, True),
        ("faster", faster, True),
    ):
        for suffix in (".mp4", ".mkv"):
            path = tmp_path / f"{name}{suffix}"
            write_media(path, coded_frames(len(times)), frame_times=times)
            found = check_file(path)
            assert (found.variable_rate, found.frames) == (expected, len(times)), path


def test_rounding_is_no_variable_rate():
    for rate in (23.976, 29.97, 30, 59.94, 120):
        assert not is_variable(np.round(1000 * np.arange(500) / rate).astype(int))
    assert not is_variable([0, 1])


def test_pixels_that_are_not_square(tmp_path):
    path = tmp_path / "wide.mkv"
    options = {"x264-params": "sar=2/1", "preset": "ultrafast"}
    write_coded(path, 10, video_options=options)
    found = check_file(path)
    assert (found.aspect, found.width, found.height) == (2, 256, 96)


def test_frames_that_are_two_packets_or_none_that_tells(tmp_path):
    """The number of frames, of the decoder and of the container, in odd files."""
    for name, more in (
        ("a.avi", dict(video_codec="mpeg4")),
        ("b.ts", dict(video_options={"flags": "+ildct+ilme"})),
        ("c.mpg", dict(video_codec="mpeg2video")),
    ):
        path = write_coded(tmp_path / name, 60, **more)
        with av.open(str(path)) as container:
            decoded = sum(1 for _ in container.decode(video=0))
        assert check_file(path).frames == check_file(path, True).frames == decoded


def test_damage_and_what_cannot_be_used(tmp_path):
    path = write_coded(tmp_path / "a.mkv", 100, **SOUND)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 200] = b"\xff" * 200
    broken = tmp_path / "broken.mkv"
    broken.write_bytes(content)
    found = check_file(broken, full=True)
    assert found.error is None and found.damage and found.problem == found.damage
    (tmp_path / "cut.mp4").write_bytes(
        write_coded(tmp_path / "b.mp4").read_bytes()[:999]
    )
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("no film")
    (tmp_path / "folder.mp4").mkdir()
    os.mkfifo(tmp_path / "pipe.mp4")
    (tmp_path / "link.mp4").symlink_to("nowhere")
    names = ("cut", "empty", "text", "folder", "pipe", "link", "missing")
    for name in names:
        found = check_file(tmp_path / f"{name}.mp4")
        assert found.error and str(tmp_path) not in found.error, name
        assert found._replace(digest=None) == FileCheck(found.path, found.error), name


def test_black_pictures_have_no_hash(tmp_path):
    path = write_media(tmp_path / "a.mp4", np.zeros((20, 96, 128, 3), np.uint8), 25)
    assert check_file(path).picture_hash is None
