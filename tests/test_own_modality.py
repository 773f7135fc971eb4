"""A fourth modality, from three lines of a config to training, report, long video."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
import torch
from conftest import ROOT, as_flags, data_options, load_script, plain_config
from helpers_imu import AXES, RATE
from mmaction.registry import TRANSFORMS
from mmengine.runner import Runner

from mmstconv.apis import load_recognizer, predict_video, score_video

CONFIG = f"""
_base_ = ["{ROOT}/configs/recognition/demo/stconvnet_lstm_demo-rgb-flow-audio.py"]

from mmstconv.pipelines import change_steps

custom_imports = dict(imports=["mmstconv", "helpers_imu"])
change_steps(
    _base_,
    imu=dict(type="LoadDrawnImu"),
    needs=dict(imu=["imu"]),
    modalities=["rgb", "flow", "audio", "imu"],
)
backbone = dict(type="AudioConvNet", in_channels={AXES}, stages=[dict(channels=8)])
model = dict(
    data_preprocessor=dict(preprocessors=dict(imu=dict(type="ActionDataPreprocessor"))),
    streams=dict(
        imu=dict(
            backbone=backbone, neck=dict(type="LSTMTemporalNeck", hidden_channels=8)
        )
    ),
    joint=dict(fusion=dict(type="GatedMultimodalUnit", channels=16)),
    modality_dropout=dict(imu=0.2),
    cls_head=dict(aux_loss_weight=0.5, train_without=["imu"], score_subsets=True),
)
val_evaluator = [_base_.val_evaluator, dict(type="ModalityMetric")]
test_evaluator = val_evaluator
train_cfg = dict(max_epochs=1, val_interval=1)
default_hooks = dict(checkpoint=dict(interval=1))
"""


@pytest.fixture(scope="module")
def folder(demo_data, tmp_path_factory):
    """A copy of the test files, half of them named so that they have no IMU."""
    folder = tmp_path_factory.mktemp("own") / "demo"
    for split in ("train", "val", "test"):
        (folder / split).mkdir(parents=True)
        lines = []
        for k, line in enumerate((demo_data / f"{split}.txt").read_text().splitlines()):
            name, label = line.split()
            new = f"{'without' if k % 2 else 'with'}_{name}"
            (folder / split / new).symlink_to(demo_data / split / name)
            lines.append(f"{new} {label}\n")
        (folder / f"{split}.txt").write_text("".join(lines))
    (folder / "classes.txt").write_text((demo_data / "classes.txt").read_text())
    return folder


@pytest.fixture(scope="module")
def trained(folder, tmp_path_factory):
    """One epoch; the runner and the path of its config."""
    work_dir = tmp_path_factory.mktemp("run")
    path = work_dir / "imu.py"
    path.write_text(CONFIG)
    cfg = plain_config(path)
    cfg.merge_from_dict(data_options(folder))
    cfg.work_dir = str(work_dir)
    runner = Runner.from_cfg(cfg)
    before = {name: p.clone() for name, p in runner.model.named_parameters()}
    runner.train()
    return runner, path, before


def test_training_reaches_its_stream(trained):
    runner, _, before = trained
    still = [n for n, p in runner.model.named_parameters() if p.equal(before[n])]
    assert any(name.startswith("streams.imu.") for name in before) and not still, still


def test_its_subsets(trained):
    """2^4, and what each of the four brings adds up."""
    scalars = trained[0].message_hub.log_scalars
    subsets = {
        key.rpartition("/")[2]: value.current()
        for key, value in scalars.items()
        if key.startswith("val/modality/acc/") and "stream_" not in key
    }
    assert len(subsets) == 16 and "rgb+flow+audio+imu" in subsets
    names = ("rgb", "flow", "audio", "imu")
    gains = [scalars[f"val/modality/shapley/{name}"].current() for name in names]
    assert sum(gains) == pytest.approx(subsets["rgb+flow+audio+imu"] - subsets["none"])


@pytest.fixture(scope="module")
def model(trained):
    runner, path, _ = trained
    return load_recognizer(path, f"{runner.work_dir}/epoch_1.pth", device="cpu")


def test_what_a_file_lacks_is_not_looked_at(model, folder):
    """Its presence is said, and the zeros in its place are not read."""
    here, gone = (next((folder / "test").glob(f"{w}_*")) for w in ("with", "without"))
    assert predict_video(model, here).presence["imu"]
    assert not predict_video(model, gone).presence["imu"]
    inputs = dict(
        rgb=torch.zeros(1, 1, 3, 8, 56, 56),
        flow=torch.zeros(1, 1, 2, 8, 56, 56),
        audio=torch.zeros(1, 1, 64, 51),
        imu=torch.zeros(1, 1, AXES, RATE),
    )
    presence = {name: torch.tensor([name != "imu"]) for name in inputs}
    everything = dict(presence, imu=torch.tensor([True]))
    with torch.no_grad():
        zeros, drawn = (
            model(dict(inputs, imu=imu), presence=presence)
            for imu in (inputs["imu"], torch.randn(1, 1, AXES, RATE))
        )
        assert zeros.equal(drawn)
        assert not zeros.equal(model(inputs, presence=everything))


def test_the_report(trained, folder, tmp_path, monkeypatch):
    runner, path, _ = trained
    options = data_options(folder)
    command = ["modality_report.py", str(path), f"{runner.work_dir}/epoch_1.pth"]
    command += ["--out", str(tmp_path / "report"), *as_flags(options)]
    monkeypatch.setattr(sys, "argv", command)
    load_script("tools/analysis/modality_report.py").main()
    (found,) = (tmp_path / "report").glob("*.json")
    report = json.loads(found.read_text())
    assert report["modalities"] == ["rgb", "flow", "audio", "imu"]


@pytest.mark.parametrize("kind", ["with", "without"])
def test_along_a_long_video(model, folder, kind):
    """Each window is what the whole pipeline and model make of it alone."""
    path = next((folder / "test").glob(f"{kind}_*"))
    windows = list(score_video(model, path, hop=4))
    assert len(windows) > 1
    opened, clip, *steps = (TRANSFORMS.build(s) for s in model.cfg.test_pipeline)
    for window in windows:
        results = opened(dict(filename=str(path), label=-1))
        times = window.start + np.arange(clip.clip_len + 1) / clip.fps
        results.update(
            frame_times=times[None],
            clip_starts=times[:1],
            clip_duration=clip.clip_len / clip.fps,
            clip_len=clip.clip_len,
            num_clips=1,
        )
        for step in steps:
            results = step(results)
        batch = dict(
            inputs={name: [x] for name, x in results["inputs"].items()},
            data_samples=[results["data_samples"]],
        )
        with torch.no_grad():
            alone = model.test_step(batch)[0]
        torch.testing.assert_close(window.scores, alone.pred_score, atol=1e-5, rtol=0)
        assert window.sample.presence["imu"] == (kind == "with")
