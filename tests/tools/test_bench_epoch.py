"""tools/benchmarks/epoch.py: both sides train, on what was extracted."""

from __future__ import annotations

import json
import math
import wave

import av
import cv2
import numpy as np
import pytest
from conftest import ROOT, load_script

from mmstconv.media import VideoCoding, write_media


@pytest.fixture
def speed(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "tools/benchmarks")


@pytest.fixture
def video(tmp_path):
    """A texture that moves 3 pixels to the right and 2 down each frame."""
    noise = np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8)
    still = cv2.GaussianBlur(noise, (0, 0), 2) * 2
    frames = [np.roll(still, (2 * k, 3 * k), (0, 1)) for k in range(4)]
    times = np.arange(44100) / 44100
    glide = 0.3 * np.sin(2 * np.pi * (300 + 1000 * times) * times)
    sound = np.tile(glide.astype(np.float32), (2, 1))
    options = {"crf": "1"}
    return write_media(
        tmp_path / "a.mp4", frames, 4, sound, 44100, video=VideoCoding(options=options)
    )


@pytest.mark.parametrize("method", ["farneback", "tvl1"])
def test_extracted_flow_is_the_motion(speed, video, tmp_path, method):
    tool = load_script("tools/benchmarks/extraction.py")
    assert tool.extract_flow(video, tmp_path, method, most=2) == 2
    for name, pixels in (("x", 3), ("y", 2)):
        image = cv2.imread(str(tmp_path / f"flow_{name}_00002.jpg"), 0)
        flow = np.median(image[20:-20, 20:-20]) / 255 * 40 - 20
        assert abs(flow - pixels) < 0.3
    assert not (tmp_path / "flow_x_00003.jpg").exists()


def test_extracted_sound(speed, video, tmp_path):
    tool = load_script("tools/benchmarks/extraction.py")
    tool.extract_sound(video, tmp_path)
    with wave.open(str(tmp_path / "a.wav")) as sound, av.open(str(video)) as media:
        assert (sound.getnchannels(), sound.getframerate()) == (2, 44100)
        decoded = sum(frame.samples for frame in media.decode(audio=0))
        assert sound.getnframes() == decoded
    features = np.load(tmp_path / "a.npy")
    assert features.shape[1] == 64 and abs(len(features) - 16000 / 256) < 3
    loudest = features.argmax(1)[5:-5]
    assert loudest[-1] > loudest[0] + 10 and 0 <= features.min() <= features.max() <= 1


@pytest.mark.slow
def test_one_short_round(speed, tmp_path, monkeypatch, capsys):
    tool = load_script("tools/benchmarks/epoch.py")
    clips = tuple(
        tool.Clip(f"{k}.mp4", 64, 48, tool.FPS, seconds=1.5) for k in range(2)
    )
    monkeypatch.setattr(tool, "CLIPS", clips)
    for name, value in dict(WARMUP=0, PROCESSES=1).items():
        monkeypatch.setattr(tool, name, value)
    monkeypatch.setattr(tool, "MEDIA", tmp_path / "media")
    monkeypatch.setattr(tool, "FOLDER", tmp_path / "work")
    monkeypatch.setattr(tool, "LOADING", dict(batch_size=1, num_workers=0))
    tool.script(tool.measure, ["--rounds", "1"])
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [one["goal"] for one in found[:12]] == [0.3, *[None] * 5] * 2
    assert all(one["ratio"] > 0 for one in (*found[:3], *found[6:9]))
    # of an epoch more: a difference, which noise can turn
    assert all(one["row"] == "15" and math.isfinite(one["peer"]) for one in found)
    # an epoch of two steps of every training, saved
    for side in ("ours-video", "ours-prepared", "ours-plain", "rgb", "flow", "audio"):
        assert (tmp_path / "work" / side / "epoch_1.pth").exists()
