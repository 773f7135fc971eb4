"""A schedule that is edited between two parts of a training."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from engine.toy_run import STEPS, toy_config, toy_runner
from mmengine.hooks import Hook

from mmstconv.checkpoints.reading import CheckpointError

SCHEDULE = [
    dict(type="LinearLR", start_factor=0.1, by_epoch=False, begin=0, end=3),
    dict(type="MultiStepLR", milestones=[1, 2], gamma=0.5, by_epoch=True),
]


class Rates(Hook):
    """The learning rate and the momentum of each iteration."""

    def __init__(self):
        self.seen = []

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        (group,) = runner.optim_wrapper.optimizer.param_groups
        self.seen.append((group["lr"], group.get("momentum", 0.0)))


def run(work_dir: Path, schedule=SCHEDULE, epochs=2, **options):
    """Train; the rates, and what the log warns of."""
    cfg = toy_config(work_dir, train_cfg__max_epochs=epochs, **options)
    cfg.param_scheduler = schedule
    runner = toy_runner(cfg)
    rates = Rates()
    runner.register_hook(rates, priority="VERY_LOW")
    runner.train()
    logs = sorted(work_dir.glob("*/*.log"), key=lambda path: path.stat().st_mtime_ns)
    return np.array(rates.seen), logs[-1].read_text()


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    """A training of three epochs that was stopped after the first."""
    work_dir = tmp_path_factory.mktemp("one")

    class Stop(Exception):
        pass

    class Stopping(Hook):
        priority = "LOWEST"

        def after_train_epoch(self, runner):
            raise Stop

    cfg = toy_config(work_dir, train_cfg__max_epochs=3)
    cfg.param_scheduler = SCHEDULE
    runner = toy_runner(cfg)
    runner.register_hook(Stopping())
    with pytest.raises(Stop):
        runner.train()
    return work_dir / "epoch_1.pth"


@pytest.fixture(scope="module")
def unedited(one, tmp_path_factory):
    rates, log = resume(one, tmp_path_factory.mktemp("unedited"))
    assert SAID not in log and "new_schedule" not in log
    return rates


def resume(one, tmp_path, schedule=SCHEDULE, epochs=3, **options):
    named = dict(resume=True, load_from=str(one))
    return run(tmp_path, schedule, epochs, **named, **options)


SAID = "settings of the config do not count"


def test_an_unedited_schedule_says_nothing(unedited):
    assert len(unedited) == 2 * STEPS


EDITS = dict(
    milestones=(
        dict(schedule=[SCHEDULE[0], dict(SCHEDULE[1], milestones=[1, 5])]),
        "param_scheduler[1].milestones: [1, 2] in the checkpoint, [1, 5] in the config",
    ),
    gamma=(
        dict(schedule=[SCHEDULE[0], dict(SCHEDULE[1], gamma=0.25)]),
        "param_scheduler[1].gamma: 0.5 in the checkpoint, 0.25 in the config",
    ),
    warm_up=(
        dict(schedule=[dict(SCHEDULE[0], end=8), SCHEDULE[1]]),
        "param_scheduler[0].end: 3 in the checkpoint, 8 in the config",
    ),
    warm_up_factor=(
        dict(schedule=[dict(SCHEDULE[0], start_factor=0.3), SCHEDULE[1]]),
        "param_scheduler[0].start_factor: 0.1 in the checkpoint, 0.3 in the config",
    ),
    epochs=(
        dict(epochs=4),
        "param_scheduler[1].end: 3 in the checkpoint, 4 in the config "
        "(train_cfg.max_epochs)",
    ),
    rate=(
        dict(optim_wrapper__optimizer__lr=2e-4),
        "optim_wrapper.optimizer.lr: 0.0001 in the checkpoint, 0.0002 in the config",
    ),
    momentum=(
        dict(optim_wrapper__optimizer__momentum=0.5),
        "optim_wrapper.optimizer.momentum: 0.9 in the checkpoint, 0.5 in the config",
    ),
    decay=(
        dict(optim_wrapper__optimizer__weight_decay=0.5),
        "optim_wrapper.optimizer.weight_decay: 0 in the checkpoint, 0.5 in the config",
    ),
    kind=(
        dict(schedule=[SCHEDULE[0], dict(type="CosineAnnealingLR", T_max=3)]),
        "param_scheduler[1]: the checkpoint is of a schedule without T_max",
    ),
    fewer=(
        dict(schedule=SCHEDULE[:1]),
        "param_scheduler[1] is in the checkpoint only",
    ),
    optimizer=(
        dict(optim_wrapper__optimizer=dict(type="Adam", lr=1e-4, _delete_=True)),
        "optim_wrapper.optimizer: the checkpoint is of an optimizer without amsgrad, "
        "not of Adam",
    ),
)


@pytest.mark.parametrize("edit", EDITS)
def test_what_does_not_count_is_said_and_counts_if_asked(one, unedited, tmp_path, edit):
    """As it is: as if nothing had been edited. If asked: as if it always had been."""
    options, line = EDITS[edit]
    options = dict(options)
    if edit == "optimizer":  # MMEngine would go on to a KeyError
        with pytest.raises(CheckpointError, match=r"epoch_1\.pth: .*new_schedule=True"):
            resume(one, tmp_path / "old", **options)
    else:
        rates, log = resume(one, tmp_path / "old", **options)
        assert SAID in log and f"\n  {line}" in log, log
        assert "default_hooks.consistency.new_schedule=True" in log
        if edit not in ("fewer", "kind"):  # MMEngine mixes those
            np.testing.assert_allclose(rates[: 2 * STEPS], unedited)
    options["default_hooks__consistency__new_schedule"] = True
    rates, log = resume(one, tmp_path / "new", **options)
    assert "the config's count" in log and line in log
    scratch, _ = run(tmp_path / "scratch", epochs=options.pop("epochs", 3), **options)
    np.testing.assert_allclose(rates, scratch[STEPS:])


def test_weights_and_momentum_are_kept(one, tmp_path):
    """With a rate of 0 and a momentum of 1 only what was gathered moves nothing."""
    momentum = torch.load(one, weights_only=True)["optimizer"]["state"][0]
    weight = torch.load(one, weights_only=True)["state_dict"]["weight"]
    resume(
        one,
        tmp_path,
        epochs=2,
        optim_wrapper__optimizer__lr=0.0,
        default_hooks__consistency__new_schedule=True,
    )
    after = torch.load(tmp_path / "epoch_2.pth", weights_only=True)
    assert torch.equal(after["state_dict"]["weight"], weight)
    gathered = after["optimizer"]["state"][0]["momentum_buffer"]
    # the gradient does not change while the weights stand still: a geometric sum
    start, gain = momentum["momentum_buffer"], 0.9**STEPS
    assert start.abs().sum() > 0
    assert (gathered - gain * start).abs().sum() > 0 and not gathered.equal(start)


def test_another_batch_size_keeps_the_place_in_the_schedule(one, tmp_path):
    """Half as many iterations an epoch: a schedule by iterations is half as long."""
    cosine = dict(
        type="CosineAnnealingLR", T_max=3, by_epoch=True, convert_to_iter_based=True
    )
    options = dict(schedule=[cosine], train_dataloader__batch_size=4)
    options["default_hooks__consistency__new_schedule"] = True
    rates, _ = resume(one, tmp_path / "new", **options)
    scratch, _ = run(tmp_path / "scratch", epochs=3, **options)
    np.testing.assert_allclose(rates, scratch[STEPS // 2 :])


def test_from_the_middle_of_an_epoch(tmp_path):
    by_iteration = dict(
        default_hooks__checkpoint__by_epoch=False,
        default_hooks__checkpoint__interval=1,
        default_hooks__checkpoint__max_keep_ckpts=-1,
    )
    run(tmp_path / "first", **by_iteration)
    edited = [SCHEDULE[0], dict(SCHEDULE[1], gamma=0.25)]
    scratch, _ = run(tmp_path / "scratch", edited)
    for done in (2, 5):
        rates, _ = resume(
            tmp_path / "first" / f"iter_{done}.pth",
            tmp_path / f"new_{done}",
            edited,
            2,
            default_hooks__consistency__new_schedule=True,
        )
        np.testing.assert_allclose(rates, scratch[done:])


def test_the_message_is_short(one, tmp_path):
    _, log = resume(one, tmp_path, optim_wrapper__optimizer__lr=2e-4)
    (said,) = re.findall(rf"WARNING - \S+epoch_1\.pth: {SAID}.*(?:\n .*)+\n.*", log)
    assert len(said.splitlines()) == 3 and "load_from without --resume" in said


def test_parameters_in_another_order(tmp_path):
    """Two layers of one shape that have changed places: momentum would, too."""
    cfg = toy_config(tmp_path, model__parts=2)
    toy_runner(cfg).train()
    path = tmp_path / "epoch_2.pth"
    saved = torch.load(path, weights_only=True)
    names = list(saved["state_dict"])
    first, second = (names.index(f"parts.{k}.weight") for k in (0, 1))
    names[first], names[second] = names[second], names[first]
    saved["state_dict"] = {name: saved["state_dict"][name] for name in names}
    torch.save(saved, path)
    options = dict(model__parts=2, resume=True, train_cfg__max_epochs=3)
    message = r"in another order than this model has them, from parts"
    with pytest.raises(CheckpointError, match=message):
        toy_runner(toy_config(tmp_path, **options)).train()
