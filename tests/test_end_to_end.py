"""The main job: real files, `mim train`, `mim test`, answers that need all three."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import mmengine
import numpy as np
import pytest
import torch
from conftest import ROOT, as_flags, data_options, load_script

CONFIG = ROOT / "configs/recognition/demo/stconvnet_lstm_demo-rgb-flow-audio.py"


def mim(*arguments, cwd):
    command = [Path(sys.executable).with_name("mim"), *arguments]
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        capture_output=True,
        text=True,
        env=dict(os.environ, OMP_NUM_THREADS="1"),
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    make = load_script("tools/data/make_demo_dataset.py").make_dataset
    make(folder, dict(train=160, val=8, test=64), seed=1)
    return folder


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    if not Path(sys.executable).with_name("mim").exists():
        pytest.skip("mim is not installed beside this Python")
    cwd = tmp_path_factory.mktemp("elsewhere")
    options = {**data_options(data, batch_size=16), "train_cfg.max_epochs": 8}
    for split in ("train", "val", "test"):
        options[f"{split}_dataloader.num_workers"] = 1
    mim("train", "mmstconv", CONFIG, "--gpus", "0", "--work-dir", "w",
        *as_flags(options), cwd=cwd)  # fmt: skip
    checkpoint = Path((cwd / "w" / "last_checkpoint").read_text().strip())
    mim("test", "mmstconv", CONFIG, "--checkpoint", checkpoint, "--work-dir", "w",
        "--dump", "predictions.pkl", *as_flags(options), cwd=cwd)  # fmt: skip
    return cwd / checkpoint, mmengine.load(cwd / "predictions.pkl")


def test_knows_more_than_any_two_modalities_could(trained):
    """Without one of the three, half of these answers are wrong, whatever the model."""
    _, predictions = trained
    right = [int(one["pred_label"]) == int(one["gt_label"]) for one in predictions]
    assert len(right) == 64
    assert np.mean(right) > 0.75


def test_one_file_gets_the_same_answer(trained, data):
    from mmstconv.apis import load_recognizer, predict_video

    checkpoint, predictions = trained
    model = load_recognizer(str(CONFIG), str(checkpoint), device="cpu")
    assert model.dataset_meta["classes"][0] == "warm_up_rising"
    first = predictions[0]
    result = predict_video(model, first["filename"])
    np.testing.assert_allclose(
        result.pred_score.numpy(), np.asarray(first["pred_score"]), atol=1e-5
    )
    assert result.metainfo["presence"] == dict(rgb=True, flow=True, audio=True)


def test_a_bad_file_is_named(trained, tmp_path):
    script = ROOT / "tools/predict.py"
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video at all")
    for path, reason in ((tmp_path / "none.mp4", "none.mp4"), (broken, "broken.mp4")):
        done = subprocess.run(
            [sys.executable, script, CONFIG, trained[0], path],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 1
        assert done.stderr.strip().splitlines()[-1].startswith("predict: ")
        assert reason in done.stderr and "Traceback" not in done.stderr


def test_a_checkpoint_of_another_config_is_refused(trained):
    from mmstconv.apis import load_recognizer

    other = CONFIG.with_name("stconvnet_lstm_demo-audio.py")
    with pytest.raises((ValueError, RuntimeError), match="fc_cls"):
        load_recognizer(str(other), str(trained[0]), device="cpu")


def test_a_config_starts_from_what_its_header_says(demo_data, tmp_path):
    """The training that it shows writes the file that it names for that stream."""
    if not Path(sys.executable).with_name("mim").exists():
        pytest.skip("mim is not installed beside this Python")
    child = ROOT / "configs/recognition/fusion" / f"{CONFIG.stem}_pretrained.py"
    command = "# mim train mmstconv stconvnet_lstm_demo-audio.py\n"
    assert command in child.read_text()
    flags = ["--gpus", "0", *as_flags(data_options(demo_data, batch_size=16))]
    mim(*command.split()[2:], *flags, cwd=tmp_path)
    start = mmengine.Config.fromfile(child).model.streams.audio.init_cfg
    weights = torch.load(tmp_path / start.checkpoint, weights_only=True)["state_dict"]
    assert any(name.startswith(start.prefix) for name in weights)
