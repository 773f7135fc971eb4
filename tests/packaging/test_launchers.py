"""``--launcher pytorch`` through mim: two processes are one with the joint batch."""

from __future__ import annotations

import json
import math

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner

pytestmark = pytest.mark.parametrize("installed", ["wheel"], indirect=True)

CONFIG = "recognition/demo/stconvnet_lstm_demo-rgb-flow-audio.py"
# One step on eight files in their order: nothing at random, frozen batch norm, and
# plain gradient descent, so that the step is the gradient.
CHILD = """
_base_ = [{base!r}]
custom_imports = dict(imports=["mmstconv", "write_loss"], allow_failed_imports=False)
frozen = dict(backbone=dict(norm_eval=True))
model = dict(
    streams=dict(rgb=frozen, flow=frozen, audio=frozen),
    cls_head=dict(dropout_ratio=0.0),
)
train_dataloader = dict(
    num_workers=0,
    persistent_workers=False,
    sampler=dict(shuffle=False),
    dataset=dict(
        ann_file={ann_file!r},
        data_prefix=dict(video={videos!r}),
        metainfo=dict(classes={classes!r}),
        pipeline=_base_.test_pipeline,
    ),
)
val_dataloader = val_cfg = val_evaluator = None
test_dataloader = test_cfg = test_evaluator = None
param_scheduler = None
optim_wrapper = dict(optimizer=dict(_delete_=True, type="SGD", lr=1.0))
train_cfg = dict(max_epochs=1)
default_hooks = dict(checkpoint=dict(interval=1))
custom_hooks = [*_base_.custom_hooks, dict(type="WriteLoss")]
"""
HOOK = """
import json
from pathlib import Path

import torch
from mmengine.hooks import Hook
from mmengine.registry import HOOKS


@HOOKS.register_module(force=True)
class WriteLoss(Hook):
    def before_train(self, runner):
        if runner.world_size == 1:
            torch.save(runner.model.state_dict(), Path(runner.work_dir, "initial.pth"))

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        names = [sample.filename for sample in data_batch["data_samples"]]
        seen = dict(loss=outputs["loss"].item(), files=names, world=runner.world_size)
        Path(runner.work_dir, f"rank{runner.rank}.json").write_text(json.dumps(seen))
"""


@pytest.fixture(scope="module")
def both(installed, demo_data, tmp_path_factory, free_port):
    """The work dirs of one process with 8 samples and of two with 4 each."""
    folder = tmp_path_factory.mktemp("launchers")
    (folder / "write_loss.py").write_text(HOOK)
    ann_file = folder / "eight.txt"
    lines = (demo_data / "train.txt").read_text().splitlines()[:8]
    ann_file.write_text("\n".join(lines) + "\n")
    child = folder / "child.py"
    text = CHILD.format(
        base=str(installed.mim_folder / "configs" / CONFIG),
        ann_file=str(ann_file),
        videos=str(demo_data / "train"),
        classes=str(demo_data / "classes.txt"),
    )
    child.write_text(text)

    one, two = folder / "one", folder / "two"
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        cfg = Config.fromfile(child)
        cfg.work_dir = str(one)
        cfg.train_dataloader.batch_size = 8
        Runner.from_cfg(cfg).train()
    options = [
        "train_dataloader.batch_size=4",
        f"load_from={one / 'initial.pth'}",
        "randomness.seed=1",
    ]
    command = ["train", "mmstconv", child, "--work-dir", two, "--gpus", "2"]
    command += ["--launcher", "pytorch", "--port", free_port]
    installed.mim(*command, "--cfg-options", *options, cwd=folder, path=folder)
    return one, two


def read(path):
    return json.loads(path.read_text())


def test_each_rank_has_its_half(both):
    one, two = both
    joint, first, second = (
        read(one / "rank0.json"),
        read(two / "rank0.json"),
        read(two / "rank1.json"),
    )
    assert first["world"] == second["world"] == 2
    assert len(first["files"]) == len(second["files"]) == 4
    assert sorted(first["files"] + second["files"]) == sorted(joint["files"])


def test_same_first_loss(both):
    one, two = both
    mean = (read(two / "rank0.json")["loss"] + read(two / "rank1.json")["loss"]) / 2
    assert math.isclose(mean, read(one / "rank0.json")["loss"], abs_tol=1e-5)


def test_same_first_step(both):
    one, _ = both
    initial = torch.load(one / "initial.pth", weights_only=True)
    joint, parts = (
        torch.load(folder / "epoch_1.pth", weights_only=True)["state_dict"]
        for folder in both
    )
    assert initial.keys() == joint.keys() == parts.keys()
    moved = 0
    for name, value in joint.items():
        torch.testing.assert_close(parts[name], value, rtol=1e-4, atol=1e-5)
        moved += not value.equal(initial[name])
    assert moved > 20
