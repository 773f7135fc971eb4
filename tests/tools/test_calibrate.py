"""The command, from files to the predictions of the config that it writes."""

from __future__ import annotations

import re
import shutil
import sys

import numpy as np
import pytest
import torch
from conftest import ROOT, as_flags, data_options, load_script
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmstconv.apis import load_recognizer, predict_video
from mmstconv.evaluation.calibration import at_temperature, fit_temperature

CONFIG = ROOT / "configs/recognition/demo/stconvnet_lstm_demo-audio.py"


@pytest.fixture(scope="module")
def made(demo_data, tmp_path_factory):
    """Demo files of which half are held out, a network, what it predicts of those.

    The labels of the held-out files are the network's answers, but for every fourth.
    """
    folder = tmp_path_factory.mktemp("calibrate")
    data = folder / "data"
    shutil.copytree(demo_data, data)
    init_default_scope("mmaction")
    torch.manual_seed(0)
    model = MODELS.build(Config.fromfile(CONFIG).model)
    model.cls_head.init_std = 2.0
    model.init_weights()
    torch.save(dict(state_dict=model.state_dict()), folder / "model.pth")
    lines = (data / "train.txt").read_text().splitlines()
    (data / "train.txt").write_text("\n".join(lines[:8]) + "\n")
    model = load_recognizer(str(CONFIG), str(folder / "model.pth"), "cpu")
    names, scores, labels = [line.split()[0] for line in lines[8:]], [], []
    for place, name in enumerate(names):
        p = predict_video(model, data / "train" / name).pred_score.numpy()
        scores.append(p)
        labels.append(int(p.argsort()[-1 - (place % 4 == 0)]))
    rows = [f"{name} {label}\n" for name, label in zip(names, labels)]
    (data / "holdout.txt").write_text("".join(rows))
    return data, folder / "model.pth", np.stack(scores), np.array(labels)


def call(monkeypatch, made, work_dir, *more, holdout="holdout.txt", config=CONFIG):
    data, checkpoint, *_ = made
    flags = ["--holdout", data / holdout, "--work-dir", work_dir, *more]
    flags += as_flags(data_options(data, batch_size=3))
    command = ["calibrate.py", config, checkpoint, *flags]
    monkeypatch.setattr(sys, "argv", [str(one) for one in command])
    load_script("tools/analysis/calibrate.py").main()


def test_the_command(made, tmp_path, monkeypatch, capsys):
    data, checkpoint, scores, labels = made
    out = tmp_path / "calibrated.py"
    call(monkeypatch, made, tmp_path / "work", "--out", out)
    printed = capsys.readouterr().out
    fit = fit_temperature(scores, labels)
    (line,) = re.findall(r"model = dict\(cls_head=dict\(temperature=(.*)\)\)", printed)
    assert float(line) == pytest.approx(fit.temperature, abs=2e-3)
    assert "8 files, 75.0% right" in printed and "before:" in printed
    model = load_recognizer(str(out), str(checkpoint), "cpu")
    assert model.cls_head.temperature == pytest.approx(fit.temperature, abs=2e-3)
    name = (data / "holdout.txt").read_text().split()[0]
    found = predict_video(model, data / "train" / name).pred_score.numpy()
    expected = at_temperature(scores[0], fit.temperature)
    assert np.abs(found - expected).max() < 1e-3 < np.abs(found - scores[0]).max()

    # fitted again from the config with a temperature: the same one, not its change
    call(monkeypatch, made, tmp_path / "work", "--out", out, config=out)
    assert f"cls_head=dict(temperature={line})" in capsys.readouterr().out

    out.write_text("mine = 1\n")
    with pytest.raises(SystemExit, match=r"calibrated\.py is there and was not"):
        call(monkeypatch, made, tmp_path / "work", "--out", out)
    assert out.read_text() == "mine = 1\n"


def test_a_file_that_cannot_be_read_does_not_count(made, tmp_path, monkeypatch, capsys):
    data = tmp_path / "data"
    shutil.copytree(made[0], data)
    name = (data / "holdout.txt").read_text().split()[0]
    (data / "train" / name).write_bytes(b"no film")
    call(monkeypatch, (data, made[1]), tmp_path / "work")
    output = capsys.readouterr()
    assert "7 files, 85.7% right" in output.out
    assert "1 of 8 files could not be read" in output.out + output.err


def test_files_that_the_network_has_seen(made, tmp_path, monkeypatch):
    message = r"the 8 files of .*train\.txt are among those that the config trains on"
    with pytest.raises(SystemExit, match=rf"calibrate: 8 of {message}"):
        call(monkeypatch, made, tmp_path / "work", holdout="train.txt")


def test_a_head_without_a_temperature(made, tmp_path, monkeypatch):
    own = tmp_path / "own.py"
    own.write_text(
        f"_base_ = [{str(CONFIG)!r}]\nmodel = dict(cls_head=dict(multi_class=True))\n"
    )
    with pytest.raises(SystemExit, match=r"own\.py: .*Head with multi_class"):
        call(monkeypatch, made, tmp_path / "work", config=own)


def test_a_config_that_does_not_test(made, tmp_path, monkeypatch):
    own = tmp_path / "own.py"
    own.write_text(f"_base_ = [{str(CONFIG)!r}]\ntest_dataloader = None\n")
    flags = ["--holdout", made[0] / "holdout.txt"]
    command = ["calibrate.py", own, made[1], *flags]
    monkeypatch.setattr(sys, "argv", [str(one) for one in command])
    with pytest.raises(SystemExit, match="no test_dataloader with a test_cfg"):
        load_script("tools/analysis/calibrate.py").main()
