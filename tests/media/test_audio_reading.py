"""Where the sound of a window lies, and what it is."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from helpers_culprits import culprits
from helpers_media import chirp, chirp_sound, coded_frames, lag, write_coded

from mmstconv.media import SoundCoding, open_media, write_media
from mmstconv.media.pyav.sound import downmix, resample

RATE = 16000


def window(path, start, stop, rate=RATE):
    with open_media(path) as media:
        found = media.waveform(start, stop, rate)
    assert found.dtype == np.float32
    assert found.shape == (round((stop - start) * rate),)
    return found


def expected(start, stop, at, rate=RATE, top=3000.0):
    times = start + np.arange(round((stop - start) * rate)) / rate
    return chirp(times, at, top)


SOUNDS = [
    (".mp4", "aac", 44100),
    (".mkv", "aac", 48000),
    (".mkv", "libopus", 48000),
    (".mkv", "flac", 44100),
    (".mov", "pcm_s16le", 32000),
    (".ts", "aac", 48000),
    (".mp4", "libmp3lame", 44100),
]


def test_alignment(tmp_path):
    """The sound is where its time stamps put it, relative to the video, to 1 ms."""

    def check(sound: tuple[str, str, int], offset: float) -> None:
        suffix, audio_codec, rate = sound
        path = write_coded(
            tmp_path / f"a{suffix}",
            75,
            25,
            waveform=chirp_sound(2.0, 0.8, rate),
            sample_rate=rate,
            audio_codec=audio_codec,
            audio_offset=offset,
        )
        with open_media(path) as media:
            zero = media.extent[0]  # muxers may move everything by the encoder's delay
        at = 0.8 + offset
        for start, stop in ((0.0, 3.0), (at - 0.2, at + 0.6), (at + 0.1, at + 0.5)):
            found = window(path, zero + start, zero + stop)
            late = lag(found, expected(start, stop, at), RATE)
            assert abs(late) < (1e-3 if suffix == ".mkv" else 1e-4)
            truth = expected(start, stop, at + late)
            assert np.corrcoef(found, truth)[0, 1] > 0.98

    assert culprits(check, product(SOUNDS, [0.0, 0.35, 1.0])) == []


@pytest.mark.parametrize(
    "rate", [8000, 11025, 16000, 22050, 32000, 44100, 48000, 96000]
)
def test_rates(tmp_path, rate):
    path = write_media(
        tmp_path / "a.wav",
        waveform=chirp_sound(2.0, 0.5, rate),
        sample_rate=rate,
        sound=SoundCoding(codec="pcm_f32le"),
    )
    for start in (0.0, 0.3333, 0.61803):
        found = window(path, start, start + 1)
        truth = expected(start, start + 1, 0.5)
        assert abs(lag(found, truth, RATE)) < 5e-5
        # Half a sample of the grid at the chirp's highest frequency.
        assert np.abs(found - truth).max() < 0.5 * np.pi * 3000 / RATE + 1e-3


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000, 96000])
def test_resampling_error(tmp_path, rate):
    """Windows on the grid of the target rate are exact, and so is their length."""
    path = write_media(
        tmp_path / "a.wav",
        waveform=chirp_sound(2.0, 0.5, rate),
        sample_rate=rate,
        sound=SoundCoding(codec="pcm_f32le"),
    )
    start = 0.5
    found = window(path, start, start + 0.7)
    assert np.abs(found - expected(start, start + 0.7, 0.5)).max() < 1e-3


@pytest.mark.parametrize(
    ("suffix", "audio_codec", "rate", "tolerance"),
    [
        (".wav", "pcm_s16le", 44100, 1e-5),
        (".flac", "flac", 48000, 1e-5),
        (".mp4", "aac", 44100, 1e-4),
        (".mp3", "libmp3lame", 44100, 1e-4),
        (".webm", "libopus", 48000, 2e-2),
    ],
)
def test_window_equals_part_of_whole(tmp_path, suffix, audio_codec, rate, tolerance):
    path = write_media(
        tmp_path / f"a{suffix}",
        waveform=chirp_sound(3.0, 1.2, rate, channels=2),
        sample_rate=rate,
        sound=SoundCoding(codec=audio_codec),
    )
    whole = window(path, 0.0, 3.0)
    for first, last in ((0, 8000), (20000, 30001), (23456, 34567)):
        part = window(path, first / RATE, last / RATE)
        assert np.abs(part - whole[first:last]).max() < tolerance


@pytest.mark.parametrize(("name", "codec"), [("a.mp4", "aac"), ("a.mkv", "aac")])
def test_the_very_beginning(tmp_path, name, codec):
    """The packet in front of the first sample is decoded too."""
    tone = 0.5 * np.sin(2 * np.pi * 500 * np.arange(32000) / RATE)
    path = write_media(
        tmp_path / name,
        waveform=tone.astype(np.float32),
        sample_rate=RATE,
        sound=SoundCoding(codec=codec, bit_rate=96000),
    )
    with open_media(path) as media:
        start = media.info.audio_start
    lead = 1024 if name.endswith("mkv") else 0  # Matroska shows the priming
    for stop in (0.2, 1.0):
        found = window(path, start, start + stop)[lead:]
        assert np.abs(found - tone[: len(found)]).max() < 0.08


def test_no_alias(tmp_path):
    """A tone above half the target rate vanishes."""
    tone = 0.5 * np.sin(2 * np.pi * 12000 * np.arange(96000) / 48000)
    path = write_media(
        tmp_path / "a.wav",
        waveform=tone.astype(np.float32),
        sample_rate=48000,
        sound=SoundCoding(codec="pcm_f32le"),
    )
    assert np.abs(window(path, 0.5, 1.5)).max() < 1e-3


def test_silence_outside(tmp_path):
    path = write_media(
        tmp_path / "a.mkv",
        coded_frames(50),
        25,
        chirp_sound(1.0, 0.3, 44100),
        44100,
        sound=SoundCoding(codec="flac"),
        audio_offset=0.5,
    )
    found = window(path, -1.0, 4.0)
    assert not found[: int(1.45 * RATE)].any()
    assert not found[int(2.6 * RATE) :].any()
    assert found.any()
    assert not window(path, 10.0, 11.0).any()
    assert not window(path, -3.0, -2.0).any()
    assert window(path, 1.0, 1.0).shape == (0,)


def test_video_that_starts_late(tmp_path):
    path = write_media(
        tmp_path / "a.mp4",
        coded_frames(25),
        frame_times=0.7 + np.arange(25) / 25,
        waveform=chirp_sound(2.0, 1.0, 44100),
        sample_rate=44100,
    )
    with open_media(path) as media:
        start = media.extent[0]
        found = media.waveform(start, start + 1, RATE)
        info = media.info
    assert abs(lag(found, expected(0.7, 1.7, 1.0), RATE)) < 1e-3
    assert info.video_start - info.audio_start == pytest.approx(0.7, abs=0.03)


@pytest.mark.parametrize("channels", [1, 2, 3, 6, 8])
def test_channels(tmp_path, channels):
    path = write_media(
        tmp_path / "a.mkv",
        waveform=chirp_sound(1.5, 0.5, 48000, channels),
        sample_rate=48000,
        sound=SoundCoding(codec="flac"),
    )
    found = window(path, 0.0, 1.5)
    assert np.abs(found - expected(0.0, 1.5, 0.5)).max() < 2e-3


def test_many_planes(tmp_path):
    """AAC decodes to a plane per channel; eight of them are more than PyAV reads."""
    path = write_media(
        tmp_path / "a.mp4",
        waveform=chirp_sound(1.5, 0.5, 48000, 8),
        sample_rate=48000,
        sound=SoundCoding(bit_rate=768000),
    )
    found = window(path, 0.0, 1.5)
    assert np.corrcoef(found, expected(0.0, 1.5, 0.5))[0, 1] > 0.98


def test_downmix():
    left, right = np.eye(2, dtype=np.float32)
    assert downmix(np.stack([left, right]), ["FL", "FR"]).tolist() == [0.5, 0.5]
    layout = ["FL", "FR", "FC", "LFE", "SL", "SR"]
    mixed = downmix(np.eye(6, dtype=np.float32), layout)
    assert mixed[3] == 0  # low-frequency effects
    assert mixed[2] > mixed[0] == mixed[1] > mixed[4] == mixed[5] > 0
    loud = np.ones((6, 4), np.float32)
    assert np.allclose(downmix(loud, layout), 1)  # no peak grows
    assert downmix(loud[:1], ["LFE"]).tolist() == [1, 1, 1, 1]
    assert np.allclose(downmix(loud[:5], layout), 1)  # names that do not fit


@pytest.mark.parametrize("codec", ["pcm_u8", "pcm_s16le", "pcm_s32le", "pcm_f64le"])
def test_sample_formats(tmp_path, codec):
    path = write_media(
        tmp_path / "a.wav",
        waveform=chirp_sound(1.0, 0.3, RATE, channels=2),
        sample_rate=RATE,
        sound=SoundCoding(codec=codec),
    )
    found = window(path, 0.0, 1.0)
    assert np.abs(found - expected(0.0, 1.0, 0.3)).max() < 0.01


def test_no_audio(tmp_path):
    path = write_coded(tmp_path / "a.mp4", 10)
    with open_media(path) as media:
        assert not media.has_audio
        assert not media.waveform(0.0, 1.0, RATE).any()
        assert media.info.sample_rate == 0
        with pytest.raises(ValueError, match="must not end before"):
            media.waveform(1.0, 0.0, RATE)


def test_both_readers_share_the_sound(tmp_path):
    pytest.importorskip("decord")
    sound = chirp_sound(1.0, 0.3, 44100, channels=2)
    path = write_coded(
        tmp_path / "a.mp4", 25, waveform=sound, sample_rate=44100, audio_offset=0.2
    )
    with open_media(path) as one, open_media(path, "decord") as other:
        first, second = (m.waveform(0.1, 1.1, RATE) for m in (one, other))
    assert np.array_equal(first, second)


def test_only_the_window_is_decoded(tmp_path, monkeypatch):
    from mmstconv.media.pyav import audio_track

    path = write_media(
        tmp_path / "a.mp4",
        waveform=np.zeros(60 * RATE, np.float32),
        sample_rate=RATE,
    )
    decoded = []
    monkeypatch.setattr(
        audio_track,
        "to_float",
        lambda frame, real=audio_track.to_float: (
            decoded.append(frame.samples) or real(frame)
        ),
    )
    window(path, 30.0, 31.0)
    assert sum(decoded) < 2.5 * RATE


def test_resample_keeps_equal_rates():
    samples = np.arange(5, dtype=np.float32)
    assert resample(samples, 8000, 8000) is samples
