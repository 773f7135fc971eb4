"""Frames to come of a file: which are seen, which are true, what is refused."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from apis.test_long_video import make_model
from conftest import ROOT
from helpers_media import chirp_sound, coded_frames, frame_number, write_coded
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmstconv.apis import predict_frames
from mmstconv.apis.frame_window import FrameWindowError
from mmstconv.evaluation.frames import mean_squared_error
from mmstconv.media import SoundCoding, VideoCoding, open_media, write_media

CONFIG = next((ROOT / "configs/prediction/own_videos").glob("*.py"))
FPS = 10
LOSSLESS = dict(
    video=VideoCoding(codec="ffv1", options={}, pix_fmt="bgr0"),
    sound=SoundCoding(codec="pcm_s16le"),
)


@pytest.fixture(scope="module")
def model():
    """Of the config for videos of one's own, with weights that matter."""
    init_default_scope("mmaction")
    torch.manual_seed(0)
    cfg = Config.fromfile(CONFIG)
    model = MODELS.build(cfg.model).eval()
    for name, parameter in model.network.named_parameters():
        if "film" in name or "decoder.motion.weight" in name:
            torch.nn.init.normal_(parameter, std=0.05)
    model.cfg = cfg
    return model


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """Five seconds, each frame with its number; square, so that nothing is cut off."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    sound = dict(waveform=chirp_sound(5, 1.9, 16000), sample_rate=16000)
    return write_coded(path, 50, FPS, width=128, height=128, **sound)


def shown(frames: np.ndarray) -> list[int]:
    """Numbers of uint8 ``(C, T, H, W)``."""
    return [frame_number(frame) for frame in frames.transpose(1, 2, 3, 0)]


def test_what_is_seen_and_what_is_true(model, film):
    forecast = predict_frames(model, film, 2.0)
    assert shown(forecast.seen) == list(range(12, 20))
    assert shown(forecast.true) == list(range(20, 28))
    assert forecast.seen_times == pytest.approx(np.arange(12, 20) / FPS)
    assert forecast.times == pytest.approx(np.arange(20, 28) / FPS)
    assert forecast.predicted.shape == (3, 8, 64, 64)
    assert 0 <= forecast.predicted.min() and forecast.predicted.max() <= 1
    assert forecast.presence == dict(rgb=True, flow=True, audio=True)


def test_nothing_that_comes_later_is_seen(model, tmp_path):
    """Other frames and another sound from that time on change no bit of the forecast
    (files are losslessly coded); each of them a moment before does."""

    def forecast(name, frame=50, sample=80000):
        frames, sound = coded_frames(50, 64, 64), chirp_sound(5, 1.5, 16000)[0]
        frames[frame:] = [255 - one for one in frames[frame:]]
        noise = np.random.default_rng(0).normal(0, 0.3, 80000)
        sound[sample:] = noise[sample:]
        path = tmp_path / f"{name}.mkv"
        write_media(path, frames, FPS, sound, 16000, **LOSSLESS)
        return predict_frames(model, path, 2.0)

    plain, later = forecast("plain"), forecast("later", frame=20, sample=32000)
    assert np.array_equal(plain.seen, later.seen)
    assert not np.array_equal(plain.true, later.true)
    assert np.array_equal(plain.predicted, later.predicted)
    for earlier in (dict(frame=19), dict(sample=31000)):
        assert not np.array_equal(
            plain.predicted, forecast("earlier", **earlier).predicted
        ), earlier


def test_longer_than_it_was_trained_for(model, film):
    """Twenty frames in three rounds; the first eight are those of one round."""
    long = predict_frames(model, film, 2.0, frames=20)
    short = predict_frames(model, film, 2.0, frames=5)
    assert long.predicted.shape[1] == long.true.shape[1] == 20
    assert shown(long.true) == list(range(20, 40))
    assert short.true.shape[1] == 5
    assert long.predicted[:, :5] == pytest.approx(short.predicted, abs=1e-5)
    errors = long.errors()
    assert set(errors) == {"model", "last_frame", "flow"}
    expected = mean_squared_error(long.predicted, long.true)
    assert errors["model"]["mse_pixel"] == pytest.approx(expected)
    assert all(len(v) == 20 for one in errors.values() for v in one.values())


def test_where_the_file_ends(model, film):
    """At 4.7 s three true frames are left, at its end none."""
    near = predict_frames(model, film, 4.7)
    assert shown(near.true) == [47, 48, 49] and near.predicted.shape[1] == 8
    assert len(near.errors()["model"]["psnr_range1"]) == 3
    end = predict_frames(model, film, 5.0)
    assert end.true.shape == (3, 0, 64, 64) and end.errors() == {}
    assert shown(end.seen) == list(range(42, 50))


def test_as_early_as_can_be(model, tmp_path):
    """A file that begins at 0.061 s: what is rounded is not refused."""
    path = tmp_path / "late.mkv"
    times = 0.061 + np.arange(20) / FPS
    write_media(path, coded_frames(20, 64, 64), frame_times=times, **LOSSLESS)
    with open_media(path) as media:
        begin, _ = media.extent
    assert begin == pytest.approx(0.061) and begin + 0.8 - 0.8 < begin
    assert shown(predict_frames(model, path, begin + 0.8).seen) == list(range(8))


def test_what_is_refused(model, film, tmp_path):
    short = write_coded(tmp_path / "short.mp4", 5, FPS)
    heard = write_media(
        tmp_path / "heard.m4a", waveform=chirp_sound(3, 1, 16000), sample_rate=16000
    )
    for path, at, message in (
        (film, 7.0, r"film.mp4 shows 0.00 to 5.00 s: at=7 lies outside of it"),
        (film, -1.0, "at=-1 lies outside"),
        (film, 0.5, r"at=0.5 is too early, .* 8 frames at 10 .* give 0.80 or more"),
        (short, 0.4, r"shows 0.00 to 0.50 s: too short, the model sees 8 frames"),
        (heard, 1.0, r"heard.m4a has no pictures"),
    ):
        with pytest.raises(ValueError, match=message):
            predict_frames(model, path, at)
    with pytest.raises(ValueError, match="frames must be a positive integer, got 0"):
        predict_frames(model, film, 2.0, frames=0)
    with pytest.raises(FileNotFoundError):
        predict_frames(model, tmp_path / "none.mp4", 2.0)


def test_models_and_pipelines_of_something_else(model, film):
    with pytest.raises(ValueError, match="a TriModalRecognizer, which forecasts no fr"):
        predict_frames(make_model(padded=True), film, 2.0)
    arrays = next((ROOT / "configs/prediction/moving_mnist").glob("*.py"))
    with pytest.raises(ValueError, match=r"must choose a clip of a file by fps"):
        predict_frames(model, film, 2.0, pipeline=Config.fromfile(arrays).test_pipeline)


def test_a_silent_file(model, tmp_path):
    path = write_coded(tmp_path / "silent.mp4", 30, FPS, width=96, height=96)
    with open_media(path) as media:
        assert not media.has_audio
    assert predict_frames(model, path, 1.5).presence["audio"] is False


def test_the_time_that_a_refusal_names_is_taken(model, tmp_path):
    """Of films whose clock begins anywhere between two hundredths of a second."""
    for begin in (0.0, 0.0125, 0.023, 0.0081):
        times = begin + np.arange(20) / FPS
        path = write_media(
            tmp_path / f"{begin}.mkv", coded_frames(20, 64, 64), frame_times=times
        )
        with pytest.raises(FrameWindowError, match="is too early") as refused:
            predict_frames(model, path, begin + 0.2)
        named = float(re.search(r"give ([0-9.]+) or more", str(refused.value))[1])
        assert predict_frames(model, path, named).seen.shape[1] == 8, begin
