"""Averaged weights: MMEngine's EMAHook in our runs, their checkpoints and tests."""

from __future__ import annotations

import pytest
import torch
from conftest import ROOT
from engine.joint_run import Clips, joint_runner, loader
from engine.resume_run import different, saved_state
from mmengine.config import Config

from mmstconv.checkpoints.containers import choose_weights
from mmstconv.datasets import ResumableSampler

EMA = Config.fromfile(ROOT / "configs/_base_/ema_runtime.py").default_hooks.ema
EACH_STEP = dict(
    type="AtomicCheckpointHook", by_epoch=False, interval=1, max_keep_ckpts=-1
)
STEPS = 8


def run(folder, checkpoint=None):
    """Two epochs of four steps, with batch norm; a checkpoint after each step."""
    data = Clips(8)
    runner = joint_runner(
        folder,
        [dict(EMA)],
        train_dataloader=loader(data, 2, ResumableSampler(data, seed=11)),
        train_cfg=dict(type="ResumableTrainLoop", max_epochs=2, val_interval=1),
        val_dataloader=loader(Clips(12, first=1), 4),
        val_cfg=dict(),
        val_evaluator=dict(type="AccMetric", metric_list="top_k_accuracy"),
        optim_wrapper=dict(optimizer=dict(type="SGD", lr=0.1)),
        checkpoint=dict(EACH_STEP),
        resume=checkpoint is not None,
        load_from=str(checkpoint) if checkpoint else None,
    )
    runner.train()
    return runner


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ema")
    return folder, run(folder)


def top1s(runner):
    return runner.message_hub.get_scalar("val/acc/top1").data[0].tolist()


def weights(folder, step):
    """Averaged ones, and those of the last step."""
    checkpoint = torch.load(folder / f"iter_{step}.pth", weights_only=True)
    last = {
        name.removeprefix("module."): value
        for name, value in checkpoint["ema_state_dict"].items()
    }
    return checkpoint["state_dict"], last


def test_the_average_of_the_weights_of_all_steps(trained):
    """Weights and running statistics; the first steps count less and less."""
    average = None
    for step in range(1, STEPS + 1):
        averaged, last = weights(trained[0], step)
        assert int(last.pop("steps")) == step
        floats = {k: v.double() for k, v in last.items() if v.is_floating_point()}
        share = max(EMA.momentum, EMA.gamma / (EMA.gamma + step - 1))
        average = average or floats
        average = {k: (1 - share) * average[k] + share * v for k, v in floats.items()}
        assert any("running_var" in name for name in average)
        for name, value in average.items():
            assert torch.allclose(averaged[name].double(), value, atol=1e-5), name
    assert not torch.allclose(
        averaged["cls_head.fc_cls.weight"], last["cls_head.fc_cls.weight"]
    )


@pytest.mark.parametrize("step", [3, 4])  # the middle of an epoch, and its end
def test_a_resumed_run_is_the_uninterrupted_one(trained, tmp_path, step):
    folder, runner = trained
    later = run(tmp_path, folder / f"iter_{step}.pth")
    expected = saved_state(folder / f"iter_{STEPS}.pth")
    assert any("ema_state_dict" in name for name in expected)
    assert different(saved_state(tmp_path / f"iter_{STEPS}.pth"), expected) == []
    assert top1s(later) == top1s(runner) and len(top1s(runner)) == 2


@pytest.mark.parametrize("hook", [[], [dict(EMA)]])
def test_validated_and_tested_are_the_averaged_ones(trained, tmp_path, hook):
    """With and without the hook in the config of the test."""
    folder, runner = trained
    tester = joint_runner(
        tmp_path,
        [dict(one) for one in hook],
        test_dataloader=loader(Clips(12, first=1), 4),
        test_cfg=dict(),
        test_evaluator=dict(type="AccMetric", metric_list="top_k_accuracy"),
        load_from=str(folder / f"iter_{STEPS}.pth"),
    )
    top1 = tester.test()["acc/top1"]
    assert top1 == top1s(runner)[-1]
    averaged, _ = weights(folder, STEPS)
    for name, value in tester.model.state_dict().items():
        assert torch.equal(value, averaged[name]), name


def test_the_doctor_tells_them_apart(trained):
    checkpoint = torch.load(trained[0] / f"iter_{STEPS}.pth", weights_only=True)
    averaged, last = weights(trained[0], STEPS)
    for ema, expected in ((True, averaged), (False, last)):
        found, _, _ = choose_weights(checkpoint, ema=ema)
        name = "cls_head.fc_cls.weight"
        assert torch.equal(found[name], expected[name])
