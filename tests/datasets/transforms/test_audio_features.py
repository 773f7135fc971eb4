"""Log-mel bands against librosa."""

from __future__ import annotations

import numpy as np
import pytest
from helpers_media import chirp_sound

from mmstconv.datasets import LogMel, RawAudio


def results_of(rate=16000, clips=2, seconds=1.0):
    rng = np.random.default_rng(0)
    sound = np.tile(chirp_sound(seconds, 0.2, rate), (clips, 1))
    sound += 0.01 * rng.standard_normal(sound.shape)
    return {"waveform": sound.astype(np.float32), "sample_rate": rate}


@pytest.mark.parametrize(
    ("rate", "arguments"),
    [
        (16000, dict()),
        (16000, dict(n_mels=80, n_fft=400, hop_length=160)),
        (44100, dict(n_mels=40, n_fft=2048, hop_length=512, f_min=50, f_max=14000)),
        (8000, dict(n_mels=32, n_fft=256, hop_length=77, f_min=125.0)),
    ],
)
def test_equals_librosa(rate, arguments):
    librosa = pytest.importorskip("librosa")
    results = results_of(rate)
    found = LogMel(**arguments)(dict(results))["audio"]
    options = dict(dict(n_mels=64, n_fft=512, hop_length=160), **arguments)
    options["fmin"] = options.pop("f_min", 0.0)
    options["fmax"] = options.pop("f_max", None)
    for clip, sound in zip(found, results["waveform"]):
        power = librosa.feature.melspectrogram(y=sound, sr=rate, **options)
        assert clip.shape == power.shape
        assert np.abs(clip - np.log(power + 1e-6)).max() < 1e-4
    assert found.dtype == np.float32


def test_silence_is_the_logarithm_of_eps():
    results = dict(waveform=np.zeros((1, 8000), np.float32), sample_rate=16000)
    audio = LogMel(eps=1e-4)(results)["audio"]
    assert np.allclose(audio, np.log(1e-4))
    assert audio.shape == (1, 64, 51)


@pytest.mark.parametrize("length", [1, 100, 511, 513])
def test_short_windows(length):
    results = dict(waveform=np.ones((1, length), np.float32), sample_rate=16000)
    assert LogMel()(results)["audio"].shape == (1, 64, 1 + length // 160)


def test_input_is_left_alone():
    results = results_of()
    before = results["waveform"].copy()
    LogMel()(results)
    assert np.array_equal(results["waveform"], before)


def test_raw_audio():
    results = results_of()
    audio = RawAudio()(dict(results))["audio"]
    assert audio.shape == (2, 1, 16000)
    assert np.array_equal(audio[:, 0], results["waveform"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(n_mels=0), "n_mels"),
        (dict(n_fft=-5), "n_fft"),
        (dict(hop_length=1.5), "hop_length"),
        (dict(eps=0), "eps must be a positive number"),
        (dict(f_min=-1), "f_min"),
        (dict(f_min=500, f_max=400), "f_max must exceed f_min"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        LogMel(**arguments)


def test_band_above_the_sound():
    with pytest.raises(ValueError, match="half the sample rate 8000, got 6000"):
        LogMel(f_max=6000)(results_of(8000))


def test_without_sound():
    for transform in (LogMel(), RawAudio()):
        with pytest.raises(KeyError, match="LoadWaveform"):
            transform({})
