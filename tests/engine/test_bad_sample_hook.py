"""Bad files in real runs: replaced, counted, logged once, and an end to it."""

from __future__ import annotations

import json
import math
import os
import pickle
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import ROOT, data_options, plain_config
from mmaction.structures import ActionDataSample
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmstconv.datasets import BadDataError
from mmstconv.engine.hooks import BadSampleHook

CONFIGS = ROOT / "configs/recognition/demo"
AUDIO = CONFIGS / "stconvnet_lstm_demo-audio.py"
ALL = CONFIGS / "stconvnet_lstm_demo-rgb-flow-audio.py"
SPLITS = ("train", "val", "test")
PARTS = [
    *(f"{split}_{part}" for split in SPLITS for part in ("dataloader", "cfg")),
    *("val_evaluator", "test_evaluator", "model", "optim_wrapper", "param_scheduler"),
    *("default_hooks", "custom_hooks", "env_cfg", "randomness", "default_scope"),
]
TEXT = b"this is no film\n" * 50


def names(folder, split):
    return [
        line.split()[0] for line in (folder / f"{split}.txt").read_text().splitlines()
    ]


@pytest.fixture
def data(demo_data, tmp_path):
    """A copy of the demo data whose files may be broken."""
    return Path(shutil.copytree(demo_data, tmp_path / "data"))


def break_files(folder, split, count, content=TEXT):
    paths = [folder / split / name for name in names(folder, split)[:count]]
    for path in paths:
        path.write_bytes(content)
    return [str(path) for path in paths]


def build(folder, work_dir, config=AUDIO, batch_size=4, hooks=(), **options):
    cfg = plain_config(config)
    cfg.merge_from_dict(
        {
            **data_options(folder, batch_size),
            "train_cfg.max_epochs": 2,
            "train_cfg.val_interval": 1,
            "default_hooks.checkpoint.interval": 1,
            **options,
        }
    )
    parts = {part: cfg[part] for part in PARTS}  # and not the text of the whole config
    runner = Runner(**parts, work_dir=str(work_dir), experiment_name=str(work_dir))
    for hook in hooks:
        runner.register_hook(hook)
    return runner


def hook_of(runner):
    (hook,) = [hook for hook in runner.hooks if isinstance(hook, BadSampleHook)]
    return hook


def log_of(work_dir):
    (log,) = Path(work_dir).glob("2*/*.log")
    return log.read_text()


def test_training_goes_on_past_a_bad_file(data, tmp_path):
    """1 of 16 is below the share; the same file fills its place in every run."""
    (bad,) = break_files(data, "train", 1)
    seen = {0: [], 2: []}

    class Record(Hook):
        def before_train_iter(self, runner, batch_idx, data_batch=None):
            for inputs, sample in zip(
                data_batch["inputs"]["audio"], data_batch["data_samples"]
            ):
                seen[workers].append((sample.filename, inputs.double().sum().item()))

    for workers in seen:
        options = {"train_dataloader.num_workers": workers}
        build(data, tmp_path / f"w{workers}", hooks=[Record()], **options).train()
        log = log_of(tmp_path / f"w{workers}")
        assert log.count(f"bad sample replaced: {bad}: ") == 1  # of two epochs
        assert "2 of 32 samples (6.2%) were bad and replaced so far" in log
        assert (tmp_path / f"w{workers}" / "epoch_2.pth").exists()
    assert seen[0] == seen[2] and len(seen[0]) == 32
    assert bad not in dict(seen[0])


@pytest.mark.parametrize("workers", [0, 2])
def test_nothing_but_bad_files(data, tmp_path, workers):
    bad = break_files(data, "train", 16)
    start = time.monotonic()
    options = {
        "train_dataloader.num_workers": workers,
        "train_dataloader.persistent_workers": workers > 0,
    }
    runner = build(data, tmp_path / "w", **options)
    with pytest.raises(BadDataError) as caught:
        runner.train()
    assert time.monotonic() - start < 10
    if workers:  # else torch waits 5 s for each when they are collected as garbage
        runner.train_dataloader._iterator._shutdown_workers()
    assert runner.iter == 0 and not list((tmp_path / "w").glob("*.pth"))
    text = str(caught.value)
    assert "10 samples in a row cannot be used, of 16 in " in text
    assert sum(path in text for path in bad) >= 10


def test_too_large_a_share(data, tmp_path):
    """4 of 16: not yet within the epoch, but it is not saved."""
    bad = break_files(data, "train", 4)
    runner = build(data, tmp_path / "w")
    with pytest.raises(BadDataError) as caught:
        runner.train()
    assert runner.iter == 4 and not list((tmp_path / "w").glob("*.pth"))
    text = str(caught.value)
    assert "4 of 16 samples (25.0%) cannot be used, more than max_share=0.1" in text
    assert all(path in text for path in bad)
    assert str(data / "train" / names(data, "train")[5]) not in text

    options = {"default_hooks.bad_samples.max_share": 0.3, "train_cfg.max_epochs": 1}
    build(data, tmp_path / "more", **options).train()
    assert (tmp_path / "more" / "epoch_1.pth").exists()


def batch(bad, good):
    samples = [ActionDataSample(metainfo=dict(filename="g")) for _ in range(good)]
    note = dict(filename="g", replaced=[("b.mp4", "is text"), ("c.mp4", "is empty")])
    samples += [ActionDataSample(metainfo=note) for _ in range(bad)]
    return dict(inputs={}, data_samples=samples)


@pytest.mark.parametrize(
    ("bad", "good", "stops"),
    [(1, 1, False), (2, 8, False), (16, 16, True), (8, 8, True), (1, 0, False)],
)
def test_within_an_epoch_it_takes_more_than_chance(
    tmp_path, demo_data, bad, good, stops
):
    runner = build(demo_data, tmp_path)
    hook = hook_of(runner)
    hook.before_run(runner)
    if not stops:
        hook.before_train_iter(runner, 0, batch(bad, good))
        assert (hook.replaced, hook.samples) == (bad, bad + good)
        return
    with pytest.raises(BadDataError, match=rf"{bad} of {bad + good} .*\n.*b\.mp4: is"):
        hook.before_train_iter(runner, 0, batch(bad, good))


def test_a_file_is_logged_once_whatever_the_reason(tmp_path, demo_data):
    """(MMEngine's logger drops a warning that it has given word for word.)"""
    runner = build(demo_data, tmp_path)
    hook = hook_of(runner)
    hook.before_run(runner)
    for reason in ("cannot be opened", "was not read within 60 s"):
        note = dict(filename="g.mp4", replaced=[("b.mp4", reason)])
        samples = [ActionDataSample(metainfo=note)]
        samples += batch(0, 50)["data_samples"]
        hook.before_train_iter(runner, 0, dict(inputs={}, data_samples=samples))
    assert log_of(tmp_path).count("bad sample replaced: b.mp4: ") == 1
    assert (hook.replaced, hook.samples) == (2, 102)


@pytest.mark.parametrize("batch_size", [1, 4])
def test_testing_drops_nothing(data, tmp_path, batch_size):
    """Alone in a batch and among others; all three streams, every subset scored."""
    bad = break_files(data, "test", 2, content=b"")
    options = {
        "test_evaluator": [
            dict(type="AccMetric", metric_list="top_k_accuracy",
                 metric_options=dict(top_k_accuracy=dict(topk=(1,)))),
            dict(type="ModalityMetric"),
            dict(type="DumpResults", out_file_path=str(tmp_path / "dump.pkl")),
        ],
        "model.cls_head.score_subsets": True,
        "model.cls_head.aux_loss_weight": 0.1,
        "load_from": None,
    }  # fmt: skip
    runner = build(data, tmp_path / "w", ALL, batch_size=batch_size, **options)
    metrics = runner.test()
    assert metrics["bad_samples"] == 2
    assert all(math.isfinite(value) for value in metrics.values())
    dumped = pickle.loads((tmp_path / "dump.pkl").read_bytes())
    files = [str(data / "test" / name) for name in names(data, "test")]
    assert [one["filename"] for one in dumped] == files
    for one in dumped:
        assert ("failure" in one) == (one["filename"] in bad)
        assert one["pred_score"].isfinite().all()
        assert set(one["presence"].values()) == {one["filename"] not in bad}
        if one["filename"] in bad:
            assert "empty" in one["failure"] and not one["stream_scores"]
    log = log_of(tmp_path / "w")
    assert "2 of 8 samples could not be used" in log
    for path in bad:
        assert log.count(f"bad sample predicted without input: {path}: ") == 1
    assert "bad_samples: 2" in log  # among the metrics


def test_validation_says_how_many(data, tmp_path):
    (bad,) = break_files(data, "val", 1)
    runner = build(data, tmp_path / "w")
    runner.train()
    values, _ = runner.message_hub.get_scalar("val/bad_samples").data
    assert values.tolist() == [1, 1]
    assert log_of(tmp_path / "w").count(f"without input: {bad}: ") == 1


def test_a_loop_over_iterations(data, tmp_path):
    """MMEngine's starts the loader processes before any hook is called."""
    (bad,) = break_files(data, "train", 1)
    cfg = {
        "train_cfg": dict(type="IterBasedTrainLoop", max_iters=4, val_interval=100,
                          _delete_=True),
        "train_dataloader.num_workers": 1,
        "default_hooks.checkpoint.by_epoch": False,
        "param_scheduler": [],
    }  # fmt: skip
    build(data, tmp_path / "w", **cfg).train()
    assert f"bad sample replaced: {bad}: " in log_of(tmp_path / "w")


@pytest.mark.slow
def test_two_processes(data, tmp_path):
    """One bad file, on one of them: both count it, both go on, or both stop."""
    (bad,) = break_files(data, "train", 1)
    lines = (data / "val.txt").read_text().splitlines()
    (data / "val.txt").write_text("\n".join(lines[:7]))  # its first pads the second
    (flagged,) = break_files(data, "val", 1)
    env = dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, sys.path)))
    script = Path(__file__).with_name("bad_sample_worker.py")
    processes = [
        subprocess.Popen(
            [sys.executable, script, str(rank), tmp_path],
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in range(2)
    ]
    try:
        for process in processes:
            output, _ = process.communicate(timeout=100)
            assert process.returncode == 0, output
    finally:
        for process in processes:
            process.kill()
    results, others = (
        json.loads((tmp_path / f"rank{rank}.json").read_text()) for rank in range(2)
    )
    assert results == others
    went_on, stopped = results
    counts = dict(samples=32, replaced=2, iter=4, flagged=[1, 1])
    assert went_on == dict(stopped="", counts=counts)
    log = log_of(tmp_path / "rank0_0.1")
    assert log.count(f"bad sample replaced: {bad}: ") == 1
    assert log.count(f"without input: {flagged}: ") == 1

    assert stopped["counts"] == dict(samples=16, replaced=1, iter=2)
    assert "1 of 16 samples (6.2%) cannot be used" in stopped["stopped"]
    assert f"  {bad}: " in stopped["stopped"]


@pytest.mark.parametrize(
    "arguments", [dict(max_share=-0.1), dict(max_share=2), dict(max_in_a_row=0),
                  dict(max_in_a_row=1.5), dict(max_in_a_row=True)]
)  # fmt: skip
def test_wrong_arguments(arguments):
    (name,) = arguments
    with pytest.raises(ValueError, match=f"{name} must"):
        BadSampleHook(**arguments)
