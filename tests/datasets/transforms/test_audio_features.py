"""Log-mel bands against librosa."""

from __future__ import annotations

import numpy as np
import pytest
from checkpoints.sources import vggish_source
from helpers_media import chirp_sound

from mmstconv.datasets import LogMel, RawAudio
from mmstconv.datasets.transforms.mel_filters import htk_filters, slaney_filters


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


PANNS = dict(
    n_fft=1024,
    hop_length=320,
    f_min=50,
    f_max=14000,
    pad_mode="reflect",
    decibels=True,
    eps=1e-10,
)
VGGISH = dict(
    win_length=400,
    center=False,
    power=1,
    filters="htk",
    f_min=125,
    f_max=7500,
    eps=0.01,
)


@pytest.mark.parametrize("loudness", [1.0, 1e-5, 0.0])
def test_panns_equals_librosa(loudness):
    """To the floor of 1e-10 and on it."""
    librosa = pytest.importorskip("librosa")
    results = results_of(32000)
    results["waveform"] *= np.float32(loudness)
    found = LogMel(**PANNS)(dict(results))["audio"]
    for clip, sound in zip(found, results["waveform"]):
        power = librosa.feature.melspectrogram(
            y=sound,
            sr=32000,
            n_fft=1024,
            hop_length=320,
            n_mels=64,
            fmin=50,
            fmax=14000,
            pad_mode="reflect",
        )
        decibels = librosa.power_to_db(power, ref=1.0, amin=1e-10, top_db=None)
        assert clip.shape == decibels.shape
        assert np.abs(clip - decibels).max() < 1e-3
    assert found.dtype == np.float32


@pytest.mark.parametrize("samples", [400, 15599, 15600, 20000])
def test_vggish_equals_its_definition(samples):
    results = results_of()
    sound = np.tile(results["waveform"], 2)[:, :samples]
    found = LogMel(**VGGISH)(dict(waveform=sound, sample_rate=16000))["audio"]
    assert found.shape == (2, 64, 1 + (samples - 400) // 160)
    for clip, one in zip(found, sound):
        assert np.abs(clip.T - vggish_source.log_mel(one)).max() < 1e-5


def test_a_patch_of_vggish_is_15600_samples():
    sound = dict(waveform=np.zeros((1, 15600), np.float32), sample_rate=16000)
    audio = LogMel(**VGGISH)(sound)["audio"]
    assert audio.shape == (1, 64, 96)
    assert np.allclose(audio, np.log(0.01))


@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("n_fft", [512, 511])
@pytest.mark.parametrize("pad_mode", ["constant", "reflect"])
def test_short_windows_equal_librosa(center, n_fft, pad_mode):
    librosa = pytest.importorskip("librosa")
    options = dict(n_fft=n_fft, hop_length=160, win_length=321, power=1)
    transform = LogMel(center=center, pad_mode=pad_mode, **options)
    results = results_of(clips=1, seconds=1.003)
    found = transform(dict(results))["audio"][0]
    sound = results["waveform"][0]
    if not center:  # librosa's window lies in the middle of n_fft samples
        shift = (n_fft - 321) // 2
        sound = np.concatenate([np.zeros(shift, np.float32), sound, np.zeros(n_fft)])
    magnitude = librosa.feature.melspectrogram(
        y=sound, sr=16000, n_mels=64, center=center, pad_mode=pad_mode, **options
    )
    expected = np.log(magnitude + 1e-6)[:, : found.shape[1]]
    assert np.abs(found - expected).max() < 1e-4


def test_slaney_filters_are_librosas():
    mel = pytest.importorskip("librosa").filters.mel
    for rate, n_fft, bands, low, high in (
        (16000, 1024, 64, 0.0, None),
        (32000, 1024, 64, 50.0, 14000.0),
        (44100, 2048, 128, 0.0, None),
        (8000, 512, 13, 1200.0, 3000.0),  # all above the knee of the scale
        (8000, 512, 5, 0.0, 900.0),  # all below
    ):
        theirs = mel(sr=rate, n_fft=n_fft, n_mels=bands, fmin=low, fmax=high)
        assert (slaney_filters(rate, n_fft, bands, low, high) == theirs).all()


def test_htk_filters_are_triangles_in_mel():
    """Between the first and the last centre, the weights of a bin add up to one."""
    bank = htk_filters(16000, 512, 64, 125.0, 7500.0)
    centres = bank.argmax(1)
    inside = slice(centres[0] + 1, centres[-1])
    assert bank.shape == (64, 257)
    assert np.allclose(bank.sum(0)[inside], 1, atol=1e-6)
    assert (np.diff(centres) >= 0).all()
    assert not htk_filters(16000, 512, 64, 0.0, None)[:, 0].any()


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


def test_wrong_arguments():
    for arguments, message in (
        (dict(n_mels=0), "n_mels"),
        (dict(n_fft=-5), "n_fft"),
        (dict(hop_length=1.5), "hop_length"),
        (dict(eps=0), "eps must be a positive number"),
        (dict(f_min=-1), "f_min"),
        (dict(f_min=500, f_max=400), "f_max must exceed f_min"),
        (dict(win_length=513), "win_length must not exceed n_fft=512, got 513"),
        (dict(win_length=0), "win_length must be a positive integer"),
        (dict(pad_mode="edge"), "pad_mode must be one of .*'edge'"),
        (dict(power=3), "power must be 1 or 2, got 3"),
        (dict(power=1, decibels=True), "power must be 2, as decibels are of power"),
        (dict(filters="bark"), r"filters must be one of \['htk', 'librosa'\]"),
    ):
        with pytest.raises(ValueError, match=message):
            LogMel(**arguments)
            pytest.fail(f"accepted: {arguments}")


def test_band_above_the_sound():
    with pytest.raises(ValueError, match="half the sample rate 8000, got 6000"):
        LogMel(f_max=6000)(results_of(8000))


def test_sound_shorter_than_a_window():
    sound = dict(waveform=np.zeros((1, 399), np.float32), sample_rate=16000)
    with pytest.raises(
        ValueError, match="win_length=400 samples does not fit into 399"
    ):
        LogMel(**VGGISH)(sound)


def test_without_sound():
    for transform in (LogMel(), RawAudio()):
        with pytest.raises(KeyError, match="LoadWaveform"):
            transform({})
