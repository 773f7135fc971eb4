"""Processes that die and memory that runs out: the message says what to look at."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import engine.failing_steps  # noqa: F401  (registers them)
import pytest
import torch
from conftest import ROOT, data_options, plain_config
from engine.joint_run import joint_runner
from mmengine.config import Config
from mmengine.runner import Runner

from mmstconv.engine.failures import (
    LoaderFailure,
    OutOfMemory,
    PeerFailure,
    Watch,
    explain,
    explain_failures,
)

CONFIG = ROOT / "configs/recognition/demo/stconvnet_lstm_demo-rgb.py"
WORKER = Path(__file__).with_name("memory_worker.py")


def config(demo_data: Path, work_dir: Path) -> Config:
    cfg = plain_config(CONFIG)
    cfg.merge_from_dict(data_options(demo_data, batch_size=4))
    cfg.work_dir = str(work_dir)
    cfg.log_level = "ERROR"
    cfg.default_hooks.checkpoint = None
    cfg.train_cfg.update(max_epochs=1, val_interval=1)
    return cfg


def file_of(demo_data: Path, split: str, line: int) -> str:
    """A file in the annotation, here as the data set names it."""
    lines = (demo_data / f"{split}.txt").read_text().splitlines()
    return str(demo_data / split / lines[line].split()[0])


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_a_killed_loader_process_names_its_sample(demo_data, tmp_path, split):
    cfg = config(demo_data, tmp_path)
    loader = cfg[f"{split}_dataloader"]
    path = file_of(demo_data, split, 5)
    step = dict(type="KillOwnProcess", name=Path(path).name)
    loader.num_workers = 1
    loader.dataset.pipeline.insert(1, step)
    runner = Runner.from_cfg(cfg)
    with pytest.raises(LoaderFailure) as caught, explain_failures(runner):
        runner.test() if split == "test" else runner.train()
    message = str(caught.value)
    phase = dict(train="training", val="validation", test="testing")[split]
    assert message.startswith(f"a loader process died in {phase}, iteration ")
    assert f"at work on\n  {path}\n" in message
    assert "memory ran out" in message
    assert "DataLoader worker (pid" in message  # and torch's own words
    assert caught.value.__cause__ is not None


def test_a_loader_that_waits_too_long_names_the_sample(demo_data, tmp_path):
    cfg = config(demo_data, tmp_path)
    path = file_of(demo_data, "train", 5)
    cfg.train_dataloader.update(num_workers=1, timeout=1, persistent_workers=True)
    step = dict(type="TakeLong", name=Path(path).name, seconds=2)
    cfg.train_dataloader.dataset.pipeline.insert(1, step)
    runner = Runner.from_cfg(cfg)
    with pytest.raises(LoaderFailure) as caught, explain_failures(runner):
        runner.train()
    message = str(caught.value)
    assert "waited longer than its timeout in training, iteration" in message
    assert f"at work on\n  {path}\n" in message
    assert "timed out after 1 seconds" in message
    runner.train_dataloader._iterator._shutdown_workers()  # later it takes 5 seconds


def test_a_process_ended_by_the_hard_limit_names_the_sample(demo_data, tmp_path):
    """What does not return in five times the time limit is ended from outside."""
    cfg = config(demo_data, tmp_path)
    path = file_of(demo_data, "val", 2)
    cfg.val_dataloader.num_workers = 1
    pipeline = cfg.val_dataloader.dataset.pipeline
    pipeline[0].timeout = 0.15  # ended after 7.5 s without processor time
    pipeline.insert(0, dict(type="TakeLong", name=Path(path).name, seconds=60))
    runner = Runner.from_cfg(cfg)
    with pytest.raises(LoaderFailure) as caught, explain_failures(runner):
        runner.val()
    assert f"in validation, iteration 1. It was at work on\n  {path}\n" in str(
        caught.value
    )


@pytest.mark.parametrize("split", ["train", "test"])
def test_out_of_memory(demo_data, tmp_path, split):
    cfg = config(demo_data, tmp_path)
    for step in cfg[f"{split}_dataloader"].dataset.pipeline:
        if step.type == "Resize":
            step.scale = (240, 240)
    cfg.dump(tmp_path / "config.py")
    child = subprocess.run(
        [sys.executable, str(WORKER), str(tmp_path / "config.py"), split],
        # Large tensors are mapped and given back, so the second batch asks again.
        env=dict(
            os.environ,
            OMP_NUM_THREADS="1",
            MALLOC_MMAP_THRESHOLD_="1000000",
            PYTHONPATH=os.pathsep.join(filter(None, sys.path)),
        ),
        capture_output=True,
        text=True,
    )
    assert child.returncode == 0, child.stderr
    error = json.loads(child.stdout.splitlines()[-1])
    phase = {
        "train": "training, iteration 2 of epoch 1",
        "test": "testing, iteration 2",
    }[split]
    message = error["message"]
    assert message.startswith(f"out of memory in {phase}, batch size 4:\n")
    assert "  rgb (N, M, C, T, H, W) = (4, 1, 3, 8, 240, 240)\n" in message
    assert f"{split}_dataloader.batch_size" in message and "clip_len" in message
    assert "num_clips" in message if split == "test" else "with_cp" in message
    assert "allocate" in error["cause"]


# As torch 1.12, 2.13 (its own class), cuDNN, C++, oneDNN and numpy say it.
RAN_OUT = [
    RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB (GPU 0; 8.0 GiB"),
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling"),
    RuntimeError("std::bad_alloc"),
    RuntimeError("could not create a primitive"),
    MemoryError("Caught MemoryError in DataLoader worker process 0.\nUnable to"),
]
OTHERS = [
    RuntimeError("mat1 and mat2 shapes cannot be multiplied"),
    RuntimeError("could not create a primitive descriptor for a convolution"),
    ValueError("sampling timeout must be positive"),
    RuntimeError("a store without shelves"),
]


@pytest.mark.parametrize("error", RAN_OUT, ids=lambda error: str(error)[:20])
def test_ways_to_run_out_of_memory(tmp_path, error):
    runner = joint_runner(tmp_path, [])
    assert isinstance(explain(runner, Watch(), error), OutOfMemory)


@pytest.mark.parametrize("error", OTHERS, ids=lambda error: str(error)[:20])
def test_other_errors_stay_what_they_are(tmp_path, error):
    runner = joint_runner(tmp_path, [])
    hooks = len(runner.hooks)
    with pytest.raises(type(error)) as caught, explain_failures(runner):
        raise error
    assert caught.value is error
    assert len(runner.hooks) == hooks


def test_a_lost_peer(tmp_path):
    runner = joint_runner(tmp_path, [])
    error = RuntimeError("[gloo/transport/tcp/pair.cc:547] Connection closed by peer")
    assert explain(runner, Watch(), error) is None  # alone, there is nobody to lose
    runner._world_size = 2
    assert isinstance(explain(runner, Watch(), error), PeerFailure)
