"""Checkpoints that load again, and disagreements found before the first step."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from conftest import data_options, plain_config
from mmengine.runner import Runner

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / "configs/recognition/demo/stconvnet_lstm_demo-audio.py"


def audio_config(demo_data, work_dir, **options):
    cfg = plain_config(CONFIG)
    cfg.work_dir = str(work_dir)
    cfg.merge_from_dict(
        {
            **data_options(demo_data),
            "train_cfg.max_epochs": 1,
            "default_hooks.checkpoint.interval": 1,
            **options,
        }
    )
    return cfg


@pytest.fixture(scope="module")
def trained(demo_data, tmp_path_factory):
    work_dir = tmp_path_factory.mktemp("trained")
    runner = Runner.from_cfg(audio_config(demo_data, work_dir))
    runner.train()
    return work_dir / "epoch_1.pth", runner.message_hub.get_scalar("train/loss").data


def test_a_saved_checkpoint_needs_no_trust(trained):
    """In a process that has never heard of us, or of MMEngine."""
    code = (
        "import sys, torch\n"
        f"ckpt = torch.load({str(trained[0])!r}, weights_only=True)\n"
        "assert 'mmengine' not in sys.modules and 'mmstconv' not in sys.modules\n"
        "print(sorted(ckpt))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    for part in ("state_dict", "optimizer", "param_schedulers", "message_hub", "meta"):
        assert part in done.stdout


def test_resuming_keeps_the_history_and_the_optimizer(trained, demo_data, tmp_path):
    checkpoint, history = trained
    cfg = audio_config(demo_data, tmp_path, **{"train_cfg.max_epochs": 2})
    cfg.resume, cfg.load_from = True, str(checkpoint)
    runner = Runner.from_cfg(cfg)
    runner.train()
    assert runner.epoch == 2
    log, _ = runner.message_hub.get_scalar("train/loss").data
    steps = len(history[0])
    assert (log[:steps] == history[0]).all() and len(log) == 2 * steps
    state = torch.load(tmp_path / "epoch_2.pth", weights_only=True)
    assert {s["step"].item() for s in state["optimizer"]["state"].values()} == {
        2.0 * steps
    }


def test_publishing_with_mmaction2s_tool(trained, tmp_path):
    import mmaction

    tool = Path(mmaction.__file__).parent / ".mim/tools/deployment/publish_model.py"
    subprocess.run(
        [sys.executable, str(tool), str(trained[0]), str(tmp_path / "audio.pth")],
        check=True,
    )
    (published,) = tmp_path.glob("audio_*.pth")
    state = torch.load(published, weights_only=True)
    assert "optimizer" not in state and state["state_dict"]


def test_another_number_of_classes_in_the_checkpoint(trained, demo_data, tmp_path):
    """``reinit`` is for the start of fine-tuning, not for testing what came of it."""
    cfg = audio_config(
        demo_data,
        tmp_path,
        **{"model.cls_head.num_classes": 5, "load_from": str(trained[0])},
    )
    for split in ("train", "val", "test"):
        dataset = cfg[f"{split}_dataloader"].dataset
        lines = (demo_data / f"{split}.txt").read_text().splitlines()
        few = [line for line in lines if int(line.split()[1]) < 5]
        dataset.ann_file = str(tmp_path / f"{split}.txt")
        Path(dataset.ann_file).write_text("\n".join(few) + "\n")
        dataset.num_classes = 5
        del dataset.metainfo
    message = r"epoch_1\.pth: .*(?s:.*)cls_head\.fc_cls(?s:.*)reinit=\['cls_head'\]"
    with pytest.raises(ValueError, match=message):
        Runner.from_cfg(cfg).train()
    cfg.default_hooks.consistency.reinit = ["cls_head"]
    cfg.experiment_name = "tune"
    Runner.from_cfg(cfg).train()

    cfg.experiment_name = "too many classes"
    with pytest.raises(ValueError, match=r"cls_head\.fc_cls"):
        Runner.from_cfg(cfg).test()
    cfg.experiment_name, cfg.load_from = "test", str(tmp_path / "epoch_1.pth")
    tester = Runner.from_cfg(cfg)
    tester.test()
    saved = torch.load(cfg.load_from, weights_only=True)["state_dict"]
    assert tester.model.cls_head.fc_cls.weight.equal(saved["cls_head.fc_cls.weight"])


def test_weights_of_another_model(trained, demo_data, tmp_path):
    other = tmp_path / "other.pth"
    torch.save({"state_dict": {"backbone.conv1.weight": torch.rand(3)}}, other)
    cfg = audio_config(demo_data, tmp_path, load_from=str(other))
    with pytest.raises(ValueError, match=r"backbone\.conv1\.weight.*another model"):
        Runner.from_cfg(cfg).train()


def test_head_and_data_disagree(demo_data, tmp_path):
    cfg = audio_config(demo_data, tmp_path, **{"model.cls_head.num_classes": 6})
    with pytest.raises(ValueError, match=r"num_classes is 6.*says 8"):
        Runner.from_cfg(cfg).train()


@pytest.mark.parametrize("said", [None, 6])
def test_labels_of_a_stock_dataset_are_checked_too(demo_data, tmp_path, said):
    """MMAction2's own VideoDataset checks no label, whatever num_classes it is told."""
    cfg = audio_config(demo_data, tmp_path, **{"model.cls_head.num_classes": 6})
    for split in ("train", "val"):
        dataset = cfg[f"{split}_dataloader"].dataset
        dataset.update(type="VideoDataset", num_classes=said)
        del dataset.metainfo
    message = (
        rf"{re.escape(str(demo_data / 'train.txt'))}.*label [67].*num_classes is 6"
    )
    with pytest.raises(ValueError, match=message):
        Runner.from_cfg(cfg).train()


def test_a_stock_dataset_trains(demo_data, tmp_path):
    cfg = audio_config(demo_data, tmp_path)
    for split in ("train", "val"):
        dataset = cfg[f"{split}_dataloader"].dataset
        dataset.update(type="VideoDataset", num_classes=None)
        del dataset.metainfo
    Runner.from_cfg(cfg).train()
    assert (tmp_path / "epoch_1.pth").exists()


def test_a_class_list_that_is_not_there(demo_data, tmp_path):
    option = {"train_dataloader.dataset.metainfo.classes": str(tmp_path / "none.txt")}
    cfg = audio_config(demo_data, tmp_path, **option)
    with pytest.raises(ValueError, match=r"no file .*none\.txt"):
        Runner.from_cfg(cfg).train()


def test_a_pipeline_that_loses_presence(demo_data, tmp_path):
    cfg = audio_config(demo_data, tmp_path)
    for split in ("train", "val", "test"):
        cfg[f"{split}_dataloader"].dataset.pipeline[-1].meta_keys = ["filename"]
    with pytest.raises(ValueError, match=r"train\.txt: PackActionInputs.*'presence'"):
        Runner.from_cfg(cfg).train()
