"""Files in training form: the same frames at the same times, the same sound."""

from __future__ import annotations

import tracemalloc

import av
import numpy as np
import pytest
from helpers_media import chirp_sound, coded_frames, lag, numbers, shown_at, write_coded

from mmstconv.disk.own import RECORD
from mmstconv.media import (
    MediaLimitError,
    MediaLimits,
    SoundCoding,
    UnreadableMediaError,
    VideoCoding,
    open_media,
    write_media,
)
from mmstconv.media.writing.preparing import BLOCK, TrainingForm, prepare_media

RATE = 16000


def prepared(source, tmp_path, **form):
    target = tmp_path / "out" / "prepared.mp4"
    target.parent.mkdir(exist_ok=True)
    assert prepare_media(source, target, TrainingForm(**form)) == ()
    names = {path.name for path in target.parent.iterdir()}
    assert names == {target.name, RECORD}
    return target


def key_frames(path):
    with av.open(str(path)) as container:
        packets = [p for p in container.demux(video=0) if p.size]
    order = np.argsort([p.pts for p in packets])
    return [k for k, index in enumerate(order) if packets[index].is_keyframe]


@pytest.mark.parametrize(
    "name", ["a.mp4", "a.avi", "a.mkv", "a.webm", "a.ts", "a.flv", "a.mov"]
)
def test_frames_and_sound_keep_their_times(name, tmp_path):
    codecs = {"a.avi": ("mpeg4", "libmp3lame"), "a.webm": ("libvpx-vp9", "libopus")}
    video, audio = codecs.get(name, ("libx264", "aac"))
    rate = 48000 if name == "a.webm" else 44100
    source = write_coded(
        tmp_path / name,
        60,
        width=256,
        height=192,
        waveform=chirp_sound(2.4, 1.0, rate, 2),
        sample_rate=rate,
        video_codec=video,
        audio_codec=audio,
        gop_size=50,
        video_options={"b": "4000000"} if video == "mpeg4" else None,
    )
    target = prepared(source, tmp_path)
    times = np.random.default_rng(0).uniform(0, 2.6, 40)
    with open_media(source) as before, open_media(target) as after:
        assert numbers(after.frames_at(times)) == numbers(before.frames_at(times))
        assert after.extent == pytest.approx(before.extent, abs=2e-3)
        assert (after.info.width, after.info.height) == (170, 128)
        sounds = [media.waveform(0.0, 2.4, RATE) for media in (before, after)]
    difference = np.abs(sounds[0] - sounds[1]).max()
    assert difference < 2**-14 and sounds[0].max() > 0.3
    assert np.array_equal(key_frames(target), np.arange(0, 60, 16))


def test_variable_frame_rate_and_a_late_sound(tmp_path):
    rng = np.random.default_rng(1)
    stamps = 0.2 + np.cumsum(rng.choice([0.021, 0.04, 0.27], 40))
    source = write_media(
        tmp_path / "a.mkv",
        coded_frames(40),
        frame_times=stamps,
        waveform=chirp_sound(2.0, 0.5, RATE),
        sample_rate=RATE,
        audio_offset=0.75,
        sound=SoundCoding(codec="flac"),
    )
    target = prepared(source, tmp_path, key_frame_every=8)
    times = np.sort(rng.uniform(0, stamps[-1] + 0.5, 60))
    expected = shown_at(np.round(stamps, 3), times)
    with open_media(target) as media:
        assert numbers(media.frames_at(times)) == expected
        sound = media.waveform(0.0, 3.0, RATE)
        assert media.info.audio_start == pytest.approx(0.75, abs=1e-3)
    assert lag(sound, chirp_sound(3.0, 1.25, RATE)[0], RATE) == pytest.approx(
        0, abs=6e-4
    )


@pytest.mark.parametrize("start, moved", [(5.0, False), (400.0, True)])
def test_a_clock_that_begins_late(start, moved, tmp_path):
    source = write_media(
        tmp_path / "a.ts",
        coded_frames(30),
        frame_times=start + 0.1 + np.arange(30) / 25,
        waveform=chirp_sound(1.0, 0.2, RATE),
        sample_rate=RATE,
        audio_offset=start,
        container_options={"muxdelay": "0", "muxpreload": "0"},
    )
    with open_media(source) as media:
        before = media.info
    with open_media(prepared(source, tmp_path)) as media:
        after = media.info
        begin = after.video_start
        times = begin + np.arange(30) / 25 + 0.01
        assert numbers(media.frames_at(times)) == list(range(30))
    shift = min(before.video_start, before.audio_start) if moved else 0
    assert begin == pytest.approx(before.video_start - shift, abs=1e-4)
    assert after.audio_start == pytest.approx(before.audio_start - shift, abs=1e-4)


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_rotation_is_applied(rotation, tmp_path):
    source = write_coded(tmp_path / "a.mp4", 20, rotation=rotation, height=160)
    target = prepared(source, tmp_path)
    with open_media(target) as media:
        assert media.info.rotation == 0
        assert media.info.width < media.info.height
        assert numbers(media.frames_at([0.3])) == [7]


def test_what_is_absent_stays_absent(tmp_path):
    silent = write_coded(tmp_path / "silent.mp4", 20)
    with open_media(prepared(silent, tmp_path)) as media:
        assert media.has_video and not media.has_audio
    heard = write_media(
        tmp_path / "heard.m4a",
        waveform=chirp_sound(30.0, 22.0, 44100),
        sample_rate=44100,
    )
    with open_media(prepared(heard, tmp_path)) as media:
        assert media.has_audio and not media.has_video
        found = media.waveform(20.0, 25.0, RATE)
    assert 20 * RATE > BLOCK  # in a later block
    assert lag(found, chirp_sound(5.0, 2.0, RATE)[0], RATE) == pytest.approx(
        0, abs=1e-4
    )


def test_blocks_of_sound_meet_without_a_seam(tmp_path):
    noise = 0.3 * np.random.default_rng(2).standard_normal(25 * 44100)
    source = write_media(
        tmp_path / "a.wav",
        waveform=noise.clip(-1, 1),
        sample_rate=44100,
        sound=SoundCoding(codec="pcm_s16le"),
    )
    with open_media(source) as before:
        expected = before.waveform(0.0, 25.0, RATE)
    with open_media(prepared(source, tmp_path)) as after:
        found = after.waveform(0.0, 25.0, RATE)
    assert np.abs(found - expected).max() < 2**-13


def test_colours_are_kept(tmp_path):
    """Whatever matrix and range the source has."""
    rng = np.random.default_rng(3)
    image = (
        rng.integers(30, 220, (4, 4, 3)).astype(np.uint8).repeat(48, 0).repeat(48, 1)
    )
    for matrix, full in (("bt709", False), ("bt601", True), (None, False)):
        source = write_media(
            tmp_path / "a.mp4",
            [image] * 4,
            25,
            video=VideoCoding(colorspace=matrix, full_range=full, pix_fmt="yuv444p"),
        )
        with open_media(prepared(source, tmp_path)) as media:
            (found,) = media.frames_at([0.08])
        # in the middle of the fields, where colour at half the resolution is whole
        inner = [slice(k * 32 + 12, k * 32 + 20) for k in range(4)]
        for y in range(4):
            for x in range(4):
                field = found[inner[y], inner[x]].astype(int)
                assert np.abs(field - image[48 * y, 48 * x]).max() <= 6


def test_small_and_odd_sizes(tmp_path):
    for width, height, expected in ((64, 48, (64, 48)), (401, 301, (170, 128))):
        source = write_coded(
            tmp_path / "a.mp4", 5, width=width, height=height, pix_fmt="yuv444p"
        )
        with open_media(prepared(source, tmp_path)) as media:
            assert (media.info.width, media.info.height) == expected
            assert numbers(media.frames_at([0.1])) == [2]


def test_damage_is_told(tmp_path):
    source = write_coded(tmp_path / "a.avi", 50, video_codec="mpeg4")
    content = source.read_bytes()
    source.write_bytes(content[: len(content) * 2 // 3])
    damage = prepare_media(source, tmp_path / "b.mp4")
    assert any("is cut short" in what for what in damage)


def test_unusable_files_leave_nothing(tmp_path):
    good = write_coded(tmp_path / "a.mp4", 10)
    broken = tmp_path / "broken.mp4"
    content = bytearray(good.read_bytes())
    start = content.index(b"mdat") + 4
    content[start : start + 100_000] = bytes(len(content[start : start + 100_000]))
    broken.write_bytes(content)
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(UnreadableMediaError):
        prepare_media(broken, out / "b.mp4")
    with pytest.raises(FileNotFoundError, match=r"media file not found: .*none\.mp4"):
        prepare_media(tmp_path / "none.mp4", out / "b.mp4")
    with pytest.raises(MediaLimitError, match="12288 pixels"):
        prepare_media(good, out / "b.mp4", limits=MediaLimits(max_pixels=1000))
    assert not list(out.iterdir())


def test_wrong_arguments(tmp_path):
    with pytest.raises(ValueError, match=r"\.mp4 file, got .*b\.avi"):
        prepare_media(tmp_path / "a.mp4", tmp_path / "b.avi")
    for name, value in (("short_side", 1), ("crf", -1), ("sample_rate", 16e3)):
        with pytest.raises(ValueError, match=f"{name} must be a whole number"):
            TrainingForm(**{name: value})


def test_same_bytes_again(tmp_path):
    source = write_coded(
        tmp_path / "a.mp4", 20, waveform=chirp_sound(0.8, 0.1, 8000), sample_rate=8000
    )
    first = prepared(source, tmp_path).read_bytes()
    assert prepared(source, tmp_path).read_bytes() == first


def test_same_bytes_of_moving_texture(tmp_path):
    """x264 looks ahead for what is worth its bits, which is not always the same."""
    blocks = np.random.default_rng(0).integers(0, 256, (16, 22, 3), np.uint8)
    texture = blocks.repeat(8, 0).repeat(8, 1)
    frames = (np.roll(texture, number, 1) for number in range(60))
    source = write_media(tmp_path / "a.mp4", frames, 25)
    first = prepared(source, tmp_path).read_bytes()
    for _ in range(3):
        assert prepared(source, tmp_path).read_bytes() == first


def test_frames_pass_through(tmp_path):
    """A tenfold length does not hold more images (those are numpy's, and counted)."""
    peaks = []
    for count in (25, 250):
        frames = (np.full((256, 256, 3), k % 200, np.uint8) for k in range(count))
        source = write_media(tmp_path / f"{count}.mp4", frames, 25)
        tracemalloc.start()
        prepare_media(source, tmp_path / "out.mp4")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 2_000_000
