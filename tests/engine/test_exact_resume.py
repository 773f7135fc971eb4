"""An interrupted run ends as the uninterrupted one, bit for bit."""

from __future__ import annotations

import logging

import pytest
import torch
from engine.joint_run import Clips, joint_runner, loader
from engine.resume_run import different, reading, run_config, saved_state, train
from mmengine.dataset import DefaultSampler
from mmengine.hooks import Hook

from mmstconv.datasets import ResumableSampler

BATCH = 4


@pytest.fixture(scope="module")
def whole(demo_data, tmp_path_factory):
    """The folder of a run that nobody interrupts."""
    folder = tmp_path_factory.mktemp("whole")
    train(run_config(demo_data, folder, workers=2))
    return folder


@pytest.mark.parametrize(
    ("checkpoint", "workers", "batches"),
    [
        ("epoch_1.pth", 1, 8),  # its validation was not done yet
        ("iter_6.pth", 3, 6),  # the middle of the second epoch
    ],
)
def test_resumed_is_uninterrupted(
    whole, demo_data, tmp_path, checkpoint, workers, batches
):
    train(run_config(demo_data, tmp_path, workers=workers), whole / checkpoint)
    expected = saved_state(whole / "epoch_3.pth")
    assert len(expected) > 100
    assert different(saved_state(tmp_path / "epoch_3.pth"), expected) == []
    assert len(reading(tmp_path)) == batches * BATCH


class Batches(Hook):
    """What each iteration is called and is made of."""

    def __init__(self) -> None:
        self.seen: list[tuple] = []
        self.validated: list[int] = []

    def before_train_iter(self, runner, batch_idx, data_batch=None) -> None:
        files = [sample.filename for sample in data_batch["data_samples"]]
        self.seen.append((runner.epoch, runner.iter, batch_idx, files, torch.rand(1)))

    def before_val(self, runner) -> None:
        self.validated.append(runner.epoch)


def small_run(
    folder,
    *,
    checkpoint=None,
    batch_size=2,
    samples=8,
    sampler=None,
    best=None,
    **kwargs,
):
    """Eight samples, a checkpoint after each step; returns its batches and warnings."""
    data = Clips(samples)
    sampler = (sampler or ResumableSampler)(data, seed=kwargs.pop("sampler_seed", 11))
    batches = Batches()
    runner = joint_runner(
        folder,
        [batches, dict(type="CheckpointHook", by_epoch=False, interval=1)],
        train_dataloader=loader(data, batch_size, sampler),
        train_cfg=dict(
            type=kwargs.pop("loop", "ResumableTrainLoop"),
            max_epochs=2,
            val_interval=1,
        ),
        val_dataloader=loader(Clips(2)),
        val_cfg=dict(),
        val_evaluator=dict(type="AccMetric", metric_list="top_k_accuracy"),
        checkpoint=dict(type="CheckpointHook", interval=1, save_best=best),
        resume=checkpoint is not None,
        load_from=str(checkpoint) if checkpoint else None,
        **kwargs,
    )
    warnings: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: warnings.append(record.getMessage())
    runner.logger.addHandler(handler)
    runner.train()
    return batches, [text for text in warnings if "but not exactly" in text]


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    folder = tmp_path_factory.mktemp("small")
    return folder, *small_run(folder)


@pytest.mark.parametrize("step", [1, 4, 6, 8])  # 4 and 8 end their epochs
def test_hooks_see_the_same_numbers(small, tmp_path, step):
    folder, batches, _ = small
    later, warnings = small_run(tmp_path, checkpoint=folder / f"iter_{step}.pth")
    assert later.seen == batches.seen[step:]
    assert later.validated == [1, 2][step > 4 :]
    assert warnings == []
    assert [row[1:3] for row in batches.seen[3:6]] == [(3, 3), (4, 0), (5, 1)]
    expected = saved_state(folder / "epoch_2.pth")
    assert different(saved_state(tmp_path / "epoch_2.pth"), expected) == []


def test_mmengines_loop_and_sampler_do_not_do_this(tmp_path):
    """The comparison sees what is lost without ours."""
    theirs = dict(loop="EpochBasedTrainLoop", sampler=DefaultSampler)
    batches, _ = small_run(tmp_path, **theirs)
    later, _ = small_run(
        tmp_path / "later", checkpoint=tmp_path / "epoch_1.pth", **theirs
    )
    assert [row[:4] for row in later.seen] == [row[:4] for row in batches.seen[4:]]
    assert later.seen != batches.seen[4:]  # the random numbers
    later, _ = small_run(
        tmp_path / "middle", checkpoint=tmp_path / "iter_6.pth", **theirs
    )
    assert len(later.seen) == 4  # the epoch begins anew
    assert later.seen[0][1:3] == (6, 0)


def test_the_seed_of_the_checkpoint_counts(small, tmp_path):
    """As where the config has none and MMEngine draws one."""
    folder, batches, _ = small
    later, _ = small_run(
        tmp_path, checkpoint=folder / "iter_6.pth", seed=77, sampler_seed=77
    )
    assert later.seen == batches.seen[6:]


def test_a_validation_that_was_not_done_is_made_up(small, tmp_path):
    folder, batches, _ = small
    assert batches.validated == [1, 2]
    later, _ = small_run(tmp_path / "epoch", checkpoint=folder / "epoch_1.pth")
    assert later.validated == [1, 2]
    later, _ = small_run(tmp_path / "end", checkpoint=folder / "epoch_2.pth")
    assert later.validated == [2] and not later.seen


def test_a_validation_that_was_done_is_not_repeated(tmp_path):
    """MMEngine saves the best checkpoint, and the last again, while it validates."""
    batches, _ = small_run(tmp_path, best="acc/top1")
    assert batches.validated == [1, 2]
    (best,) = tmp_path.glob("best_*.pth")
    epoch = int(best.stem.split("_")[-1])
    for name in (best.name, f"epoch_{epoch}.pth"):
        later, _ = small_run(tmp_path / name[:-4], checkpoint=tmp_path / name)
        assert later.validated == [1, 2][epoch:]


def test_another_batch_size(small, tmp_path):
    """Six of eight samples were seen; batches of four go on after the first."""
    folder, batches, _ = small
    later, (warning,) = small_run(
        tmp_path, checkpoint=folder / "iter_7.pth", batch_size=4
    )
    assert "resumed at epoch 2, iteration 7, but not exactly" in warning
    assert "batch size: 2 when saved, now 4" in warning
    assert "of the 6 samples that epoch 2 has seen, 2 are repeated" in warning
    ((_, _, index, files, _),) = later.seen
    assert index == 1
    assert files == batches.seen[6][3] + batches.seen[7][3]


def test_other_data_begin_the_epoch_anew(small, tmp_path):
    folder, _, _ = small
    later, (warning,) = small_run(tmp_path, checkpoint=folder / "iter_6.pth", samples=6)
    assert "number of samples: 8 when saved, now 6" in warning
    assert "epoch 2 begins anew: what it saw in 2 batches" in warning
    assert [row[2] for row in later.seen] == [0, 1, 2]


def test_another_sampler(small, tmp_path):
    folder, _, _ = small
    later, (warning,) = small_run(
        tmp_path, checkpoint=folder / "iter_6.pth", sampler=DefaultSampler
    )
    assert "sampler: ResumableSampler when saved, now DefaultSampler" in warning
    assert "epoch 2 begins anew" in warning and "use ResumableSampler" in warning
    assert [row[2] for row in later.seen] == [0, 1, 2, 3]


def test_a_checkpoint_of_mmengines_loop(small, tmp_path):
    """The order of the samples is known all the same."""
    _, batches, _ = small
    old = tmp_path / "old"
    small_run(old, loop="EpochBasedTrainLoop", sampler=DefaultSampler, seed=11)
    later, (warning,) = small_run(tmp_path / "new", checkpoint=old / "iter_6.pth")
    assert "another training loop saved it" in warning
    assert [row[:4] for row in later.seen] == [row[:4] for row in batches.seen[6:]]


def test_gradients_that_were_accumulated_are_lost_and_said_so(tmp_path):
    wrapper = dict(optimizer=dict(type="SGD", lr=0.1), accumulative_counts=4)
    small_run(tmp_path, optim_wrapper=dict(wrapper))
    _, (warning,) = small_run(
        tmp_path / "later", checkpoint=tmp_path / "iter_7.pth", optim_wrapper=wrapper
    )
    assert "the gradients of the last 3 iterations" in warning
    _, warnings = small_run(
        tmp_path / "whole", checkpoint=tmp_path / "iter_4.pth", optim_wrapper=wrapper
    )
    assert warnings == []
