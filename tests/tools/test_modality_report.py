"""The report on a real model and real files."""

from __future__ import annotations

import json
import shutil
import sys

import numpy as np
import pytest
import torch
from conftest import ROOT, as_flags, data_options, load_script
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

from mmstconv.disk.own import RECORD

CONFIG = ROOT / "configs/recognition/demo/stconvnet_lstm_demo-rgb-flow-audio.py"
HEAD = {
    "model.joint.fusion.type": "GatedMultimodalUnit",
    "model.joint.fusion.channels": 16,
    "model.cls_head.aux_loss_weight": 0.5,
    "model.cls_head.init_std": 3.0,  # untrained answers that differ
}


@pytest.fixture(scope="module")
def data(demo_data, tmp_path_factory):
    """The demo files, one of those to test on without its sound."""
    from mmstconv.media import write_media

    folder = tmp_path_factory.mktemp("data") / "demo"
    shutil.copytree(demo_data, folder)
    silent = folder / "test" / (folder / "test.txt").read_text().split()[0]
    frames = np.random.default_rng(0).integers(0, 256, (40, 96, 128, 3), np.uint8)
    silent.unlink()
    write_media(silent, frames, 20)
    return folder


def config(data, work_dir):
    cfg = Config.fromfile(CONFIG)
    cfg.merge_from_dict({**data_options(data, batch_size=3), **HEAD})
    cfg.work_dir = str(work_dir)
    return cfg


@pytest.fixture(scope="module")
def checkpoint(data, tmp_path_factory):
    from mmaction.registry import MODELS

    folder = tmp_path_factory.mktemp("checkpoint")
    cfg = config(data, folder)
    init_default_scope(cfg.default_scope)
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    model.init_weights()
    torch.save(dict(state_dict=model.state_dict()), folder / "untrained.pth")
    return folder / "untrained.pth"


def report(monkeypatch, *arguments):
    command = ["modality_report.py", *map(str, arguments)]
    monkeypatch.setattr(sys, "argv", command)
    load_script("tools/analysis/modality_report.py").main()


def test_streams_run_once_and_the_full_subset_is_the_prediction(
    data, checkpoint, tmp_path
):
    cfg = config(data, tmp_path)
    cfg.load_from = str(checkpoint)
    cfg.test_evaluator = [
        dict(type="AccMetric", metric_list="top_k_accuracy"),
        dict(type="ModalityMetric"),
    ]
    runner = Runner.from_cfg(cfg)
    load_script("tools/analysis/modality_report.py").score_subsets(runner.model, CONFIG)
    calls = dict.fromkeys(runner.model.streams, 0)
    rows = dict(calls)

    def count(name):
        def hook(stream, inputs, outputs):
            calls[name] += 1
            rows[name] += len(inputs[0])

        return hook

    for name, stream in runner.model.streams.items():
        stream.register_forward_hook(count(name))
    found = runner.test()
    assert calls == dict(rgb=3, flow=3, audio=3)  # 8 files, 3 at a time
    assert rows == dict(rgb=8, flow=8, audio=7)
    assert found["modality/acc/rgb+flow+audio"] == found["acc/top1"]
    accuracies = {key: found[key] for key in found if key.startswith("modality/acc/")}
    assert len(accuracies) == 8 + 3
    assert len(set(accuracies.values())) > 1
    shares = [found[f"modality/weight/{name}"] for name in calls]
    assert all(0 < share < 1 for share in shares)


def test_the_tool(data, checkpoint, tmp_path, monkeypatch, capsys):
    flags = as_flags({**data_options(data, batch_size=3), **HEAD})
    out = tmp_path / "out"
    report(monkeypatch, CONFIG, checkpoint, "--out", out,
           "--work-dir", tmp_path / "work", *flags)  # fmt: skip
    printed = capsys.readouterr().out
    content = json.loads((out / "modality_report.json").read_text("utf-8"))
    assert printed.splitlines()[-1].endswith("modality_report.json, .csv, .png")
    counts = content["overall"]["counts"]
    assert counts["acc/rgb+flow+audio"] == 8
    assert counts["acc/stream_rgb"] == 8 and counts["acc/stream_audio"] == 7
    assert counts["acc_having/audio"] == counts["weight/audio"] == 7
    assert "of files with all" in printed
    assert len(content["overall"]["weights"]["rgb"]) == 1
    names = (data / "classes.txt").read_text().split()
    assert [one["name"] for one in content["classes"]] == names
    written = {f"modality_report.{kind}" for kind in ("json", "csv", "png")}
    assert {one.name for one in out.iterdir()} == {*written, RECORD}

    (out / "modality_report.csv").write_text("mine")
    with pytest.raises(SystemExit, match=r"modality_report\.csv is there and was not"):
        report(monkeypatch, CONFIG, checkpoint, "--out", out,
               "--work-dir", tmp_path / "work", *flags)  # fmt: skip
    assert (out / "modality_report.csv").read_text() == "mine"


def test_a_head_without_subsets(data, checkpoint, tmp_path, monkeypatch):
    """MMAction2's own head knows one input."""
    own = tmp_path / "own.py"
    own.write_text(
        f"_base_ = [{str(CONFIG)!r}]\n"
        "model = dict(_delete_=True, type='Recognizer3D',\n"
        "    backbone=dict(type='C3D', out_dim=512),\n"
        "    cls_head=dict(type='I3DHead', num_classes=8, in_channels=512))\n"
    )
    with pytest.raises(
        SystemExit, match=r"own\.py: .*model\.cls_head is of type I3DHead"
    ):
        report(monkeypatch, own, checkpoint, "--work-dir", tmp_path / "work")
