"""Every config: builds, trains one step, tests one step, on real generated files."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from torch import nn

ROOT = Path(__file__).resolve().parents[2]
RECOGNITION = sorted((ROOT / "configs").glob("[!_]*/*/*.py"))
MODULES = {path.name for path in (ROOT / "mmstconv").rglob("*.py")}


@pytest.fixture(scope="module")
def two_videos(demo_data, tmp_path_factory):
    """An annotation file of two samples whose labels every config knows."""
    folder = tmp_path_factory.mktemp("two")
    names = [
        line.split()[0] for line in (demo_data / "val.txt").read_text().split("\n")[:2]
    ]
    (folder / "list.txt").write_text(f"{names[0]} 0\n{names[1]} 1\n")
    return dict(
        ann_file=str(folder / "list.txt"),
        data_prefix=dict(video=str(demo_data / "val")),
    )


def shrink(cfg, two_videos, work_dir):
    """Two samples, one epoch, one test clip, in this process."""
    cfg.work_dir = str(work_dir)
    for split in ("train", "val", "test"):
        loader = cfg[f"{split}_dataloader"]
        loader.update(batch_size=2, num_workers=0, persistent_workers=False)
        loader.dataset.pop("metainfo", None)
        loader.dataset.update(two_videos)
        for step in loader.dataset.pipeline:
            if step.type == "SampleClips":
                step.num_clips = 1
    cfg.train_cfg.max_epochs = 1
    cfg.default_hooks.checkpoint.update(interval=-1, save_best=None)
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    return cfg


@pytest.mark.parametrize("path", RECOGNITION, ids=lambda path: path.stem)
def test_one_training_and_one_test_step(path, two_videos, tmp_path):
    cfg = shrink(Config.fromfile(path), two_videos, tmp_path)
    runner = Runner.from_cfg(cfg)
    before = {name: p.clone() for name, p in runner.model.named_parameters()}
    runner.train()
    loss = runner.message_hub.get_scalar("train/loss").current()
    assert math.isfinite(loss)
    still = [n for n, p in runner.model.named_parameters() if p.equal(before[n])]
    assert not still, "parameters that training did not reach"
    metrics = runner.test()
    assert 0 <= metrics["acc/top1"] <= 1


@pytest.mark.parametrize("path", RECOGNITION, ids=lambda path: path.stem)
def test_header_shows_the_launch_command(path):
    header = path.read_text().split("_base_")[0]
    assert "mim train mmstconv" in header and path.name in header


def test_names_are_found_once():
    """mim looks a config up by its bare name, in the whole package."""
    names = [path.name for path in (ROOT / "configs").rglob("*.py")]
    assert len(names) == len(set(names))
    assert not set(names) & MODULES


def test_metafiles_list_every_config():
    import yaml

    index = yaml.safe_load((ROOT / "model-index.yml").read_text())
    listed = set()
    for metafile in index["Import"]:
        for model in yaml.safe_load((ROOT / metafile).read_text())["Models"]:
            listed.add(model["Config"])
    assert listed == {str(path.relative_to(ROOT)) for path in RECOGNITION}


def test_the_article_recipe():
    """Adam, 1e-3 with step decay, batch 32, L2, dropout, cross-entropy."""
    cfg = Config.fromfile(
        ROOT
        / "configs/recognition/stconvnet"
        / "stconvnet_lstm_1xb32-16f-50e_ucf101-split1-rgb-flow-audio.py"
    )
    optimizer = cfg.optim_wrapper.optimizer
    assert (optimizer.type, optimizer.lr) == ("Adam", 1e-3)
    assert optimizer.weight_decay > 0 and cfg.model.cls_head.dropout_ratio > 0
    assert cfg.train_dataloader.batch_size == 32
    assert cfg.param_scheduler[0].type == "MultiStepLR"
    init_default_scope("mmaction")
    model = MODELS.build(cfg.model)
    assert type(model.cls_head.loss_cls).__name__ == "CrossEntropyLoss"
    for kind in (nn.Conv3d, nn.Conv1d, nn.LSTM, nn.Dropout):
        assert any(isinstance(module, kind) for module in model.modules())
