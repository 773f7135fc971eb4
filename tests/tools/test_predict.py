"""Several files at once: a bad one is named and the others are recognised."""

from __future__ import annotations

import io
import os
import shutil
import sys

import pytest
import torch
from conftest import ROOT, load_script
from helpers_media import chirp_sound, write_coded
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope

CONFIG = ROOT / "configs/recognition/demo/stconvnet_lstm_demo-audio.py"
predict = load_script("tools/predict.py")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    init_default_scope("mmaction")
    model = MODELS.build(Config.fromfile(CONFIG).model)
    path = tmp_path_factory.mktemp("model") / "model.pth"
    torch.save(dict(state_dict=model.state_dict()), path)
    return path


def call(monkeypatch, checkpoint, *videos):
    arguments = ["predict.py", CONFIG, checkpoint, *videos, "--device", "cpu"]
    monkeypatch.setattr(sys, "argv", [str(argument) for argument in arguments])
    with pytest.raises(SystemExit) as left:
        predict.main()
    return left.value.code


def test_goes_on_after_a_bad_file(monkeypatch, capsys, checkpoint, demo_data, tmp_path):
    good = sorted((demo_data / "val").iterdir())[:2]
    bad = [tmp_path / "text.mp4", tmp_path / "none.mp4"]
    bad[0].write_text("this is no film\n")
    assert call(monkeypatch, checkpoint, good[0], *bad, good[1]) == 1
    output = capsys.readouterr()
    for path in good:
        assert f"{path} (audio)" in output.out
    assert output.out.count("%") == 6  # three classes of each
    for path in bad:
        assert str(path) in output.err and str(path) not in output.out
    assert "predict: 2 of 4 files cannot be used" in output.err
    assert not call(monkeypatch, checkpoint, *good)
    assert "predict:" not in capsys.readouterr().err


def test_a_damaged_file_is_used_with_a_warning(
    monkeypatch, capsys, checkpoint, tmp_path
):
    whole, cut = tmp_path / "whole.mp4", tmp_path / "cut.mp4"
    options = {"movflags": "frag_keyframe+empty_moov"}
    sound = dict(waveform=chirp_sound(2, 0.5, 16000), sample_rate=16000)
    write_coded(whole, **sound, container_options=options)
    content = whole.read_bytes()
    cut.write_bytes(content[: len(content) * 2 // 3])
    assert call(monkeypatch, checkpoint, cut, whole) == 0
    output = capsys.readouterr()
    assert f"{cut} (audio)" in output.out and f"{whole} (audio)" in output.out
    assert f"predict: {cut}: is cut short" in output.err
    assert str(whole) not in output.err


def test_a_mistake_of_the_program_is_no_bad_file(monkeypatch, checkpoint, demo_data):
    def fail(*args):
        raise KeyError("media")

    monkeypatch.setattr(predict, "predict_video", fail)
    with pytest.raises(KeyError):
        predict_argv = ["predict.py", str(CONFIG), str(checkpoint), "a.mp4"]
        monkeypatch.setattr(sys, "argv", predict_argv)
        predict.main()


def test_names_that_are_no_text(monkeypatch, checkpoint, demo_data, tmp_path):
    """On terminals that know few letters, and whatever becomes of the file."""
    good, bad = (tmp_path / os.fsdecode(name) for name in (b"caf\xe9.mp4", b"\xff.mp4"))
    shutil.copy(min((demo_data / "val").iterdir()), good)
    for encoding in ("ascii", "utf-8", "latin-1"):
        shown = [
            io.TextIOWrapper(io.BytesIO(), encoding, errors="strict") for _ in range(2)
        ]
        monkeypatch.setattr(sys, "stdout", shown[0])
        monkeypatch.setattr(sys, "stderr", shown[1])
        assert call(monkeypatch, checkpoint, good, bad, good) == 1
        said = []
        for stream in shown:
            stream.flush()
            said.append(stream.buffer.getvalue())
        assert said[0].count(rb"caf\udce9.mp4 (audio)") == 2
        assert rb"\udcff.mp4" in said[1]
