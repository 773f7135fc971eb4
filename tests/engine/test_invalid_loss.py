"""Numbers that go bad stop training before they are saved."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from conftest import ROOT, as_flags, data_options, load_script, plain_config
from engine.joint_run import Clips, joint_runner
from mmengine.runner import Runner

from mmstconv.engine.hooks import InvalidLossError

SCHEDULES = sorted((ROOT / "configs/_base_/schedules").glob("*.py"))
EACH_STEP = dict(type="CheckpointHook", by_epoch=False, interval=1, max_keep_ckpts=-1)


def run(folder: Path, data: Clips, lr: float, hook: str = "InvalidLossHook") -> None:
    joint_runner(
        folder,
        [dict(type=hook)],
        data=data,
        batch_size=2,
        optim_wrapper=dict(optimizer=dict(type="SGD", lr=lr)),
        checkpoint=dict(EACH_STEP),
    ).train()


def saved(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.pth"))


def is_finite(path: Path) -> bool:
    weights = torch.load(path, weights_only=True)["state_dict"].values()
    return all(value.isfinite().all() for value in weights if value.is_floating_point())


def test_an_input_that_is_not_finite(tmp_path):
    data = Clips(6)
    data.rows[3]["inputs"]["audio"][0, 2, 5] = -torch.inf
    with pytest.raises(InvalidLossError) as caught:
        run(tmp_path, data, lr=0.5)
    message = str(caught.value)
    assert "epoch 1, iteration 2, at learning rate 0.5 (batch 2" in message
    assert "loss nan" in message and "loss_cls nan" in message
    assert "files: 2.mp4, 3.mp4\n" in message
    assert "not finite already in the input: audio of 3.mp4\n" in message
    assert f"The latest checkpoint is {tmp_path / 'iter_1.pth'}" in message
    assert "optim_wrapper.clip_grad.max_norm=40" in message
    assert saved(tmp_path) == ["iter_1.pth"]
    assert is_finite(tmp_path / "iter_1.pth")


def test_a_step_that_is_too_long(tmp_path):
    """The loss is finite yet; the running statistics that are to be saved are not."""
    pattern = "not saved.*iteration 2, at learning rate 1e.25.*model.*bn.running_var"
    with pytest.raises(InvalidLossError, match=pattern) as caught:
        run(tmp_path, Clips(6), lr=1e25)
    assert f"The latest checkpoint is {tmp_path / 'iter_1.pth'}" in str(caught.value)
    assert saved(tmp_path) == ["iter_1.pth"]
    assert is_finite(tmp_path / "iter_1.pth")


def test_without_the_hook_bad_weights_are_saved(tmp_path):
    """The fault is a real one: this is what the hook prevents."""
    run(tmp_path, Clips(6), lr=1e25, hook="IterTimerHook")
    assert not is_finite(tmp_path / "iter_3.pth")


@pytest.mark.parametrize("path", SCHEDULES, ids=lambda path: path.stem)
def test_clipping_by_option_on_any_schedule(path):
    cfg = plain_config(path)
    cfg.merge_from_dict({"optim_wrapper.clip_grad.max_norm": 40})
    assert cfg.optim_wrapper.clip_grad.max_norm == 40


def test_gradients_are_clipped_and_the_hook_is_in_the_configs(demo_data, tmp_path):
    config = ROOT / "configs/recognition/demo/stconvnet_lstm_demo-audio.py"
    options = {
        **data_options(demo_data),
        "optim_wrapper.clip_grad.max_norm": 40,
        "train_cfg.max_epochs": 1,
        "train_cfg.val_interval": 9,
        "work_dir": tmp_path,
    }
    script = load_script("tools/train.py")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["train.py", str(config), *as_flags(options)])
        args = script.parse_args()
    cfg = plain_config(config)
    runner = Runner.from_cfg(script.merge_args(cfg, args))
    runner.train()
    assert runner.message_hub.get_scalar("train/grad_norm").current() > 0
    assert any(type(hook).__name__ == "InvalidLossHook" for hook in runner.hooks)
