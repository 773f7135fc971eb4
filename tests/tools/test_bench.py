"""What the bench says is what a loader and a model of known slowness take."""

from __future__ import annotations

import json
import sys
import time

import pytest
from conftest import ROOT, load_script

from mmstconv.apis.bench import _rate, bench

TOOL = load_script("tools/bench.py")
CONFIG = ROOT / "configs/recognition/demo/stconvnet_lstm_demo-audio.py"


def test_rate_and_waiting_of_known_slowness():
    """A loader of 20 ms and a model of 60 ms wait a quarter of the time."""

    def batches():
        while True:
            time.sleep(0.02)
            yield dict(data_samples=[None] * 3)

    rate, waiting = _rate(batches(), lambda batch: time.sleep(0.06), 0.4)
    assert rate < 3 / 0.08 and 0.05 < waiting < 0.6
    rate, waiting = _rate(batches(), lambda batch: None, 0.1)
    assert rate < 3 / 0.02 and waiting > 0.9


def test_a_config_on_this_machine(monkeypatch, capsys, demo_data, tmp_path):
    options = [
        *("train_dataloader.batch_size=2", "train_dataloader.num_workers=0"),
        "train_dataloader.persistent_workers=False",
        f"train_dataloader.dataset.ann_file={demo_data}/train.txt",
        f"train_dataloader.dataset.data_prefix.video={demo_data}/train",
        f"train_dataloader.dataset.metainfo.classes={demo_data}/classes.txt",
    ]
    monkeypatch.chdir(tmp_path)
    ask = ["bench.py", str(CONFIG), "--seconds", "0.1", "--device", "cpu", "--json"]
    monkeypatch.setattr(sys, "argv", [*ask, "--cfg-options", *options])
    TOOL.main()
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (found["batch_size"], found["workers"], found["device"]) == (2, 0, "cpu")
    assert min(found["loading"], found["step"], found["training"]) > 0
    assert 0 < found["waiting"] < 1 and found["peak_memory"] is None
    assert not [*tmp_path.iterdir()]
    with pytest.raises(ValueError, match="seconds must be more than 0"):
        bench(CONFIG, seconds=0)
