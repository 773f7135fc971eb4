"""What the launcher does to a config before a runner has it."""

from __future__ import annotations

import os
from pathlib import Path
from unittest.mock import Mock

import pytest
import torch
from engine.toy_run import Numbers, toy_config
from mmengine.config import Config, config
from mmengine.hooks import Hook
from mmengine.registry import DATASETS
from mmengine.runner import Runner

from mmstconv.engine.launch import build_runner, late_schedulers

ROOT = Path(__file__).resolve().parents[2]
CONFIGS = sorted((ROOT / "configs").glob("[!_]*/*/*.py"))


def test_a_runner_writes_configs_that_read_the_same(tmp_path, monkeypatch):
    """Without yapf, but Python all the same, through the copies that runners make."""
    monkeypatch.setattr(config, "FormatCode", None)
    monkeypatch.chdir(tmp_path)
    runner = Mock(logger=Mock(handlers=[]))  # of the config alone
    monkeypatch.setattr(Runner, "from_cfg", Mock(return_value=runner))
    culprits = []
    for path in CONFIGS:
        cfg = Config.fromfile(path)
        build_runner(cfg, str(path), None, "none")
        copy = cfg.copy()
        copy.model.odd = {"not a name": [(1, "two\nlines '\""), None, dict(a=())]}
        for written in (cfg, copy):
            read = Config.fromstring(written.pretty_text, ".py")
            if read.to_dict() != written.to_dict():
                culprits.append(path.name)
    assert len(CONFIGS) > 30 and culprits == []


def test_a_schedule_for_a_training_that_ends_in_its_warm_up(tmp_path, monkeypatch):
    """What follows the warm-up is left out, with a warning; the shipped configs train
    for one epoch and for two. What says its end itself stays."""
    monkeypatch.setattr(Runner, "from_cfg", lambda cfg: Mock(logger=logger))
    monkeypatch.chdir(tmp_path)
    warmed = [path for path in CONFIGS if "frames" in path.name]
    for path in warmed:
        for epochs in (1, 2, 3):
            logger, cfg = Mock(handlers=[]), Config.fromfile(path)
            whole = len(cfg.param_scheduler)
            late = [k for k, one in enumerate(cfg.param_scheduler)
                    if one.get("begin", 0) >= epochs]  # fmt: skip
            cfg.train_cfg.max_epochs = epochs
            build_runner(cfg, str(path), None, "none")
            assert len(cfg.param_scheduler) == whole - len(late), path.name
            said = str(logger.warning.call_args)
            assert ("CosineAnnealingLR (begin=" in said) == bool(late), path.name
    assert warmed
    cfg = toy_config(tmp_path / "run", train_cfg__max_epochs=1)
    cfg.param_scheduler = [
        dict(type="LinearLR", begin=0, end=2),
        dict(type="CosineAnnealingLR", begin=1, T_max=1),
        dict(type="ConstantLR", begin=3, end=4),
    ]
    late = late_schedulers(cfg)
    assert late == ["CosineAnnealingLR (begin=1)"]
    assert [one["type"] for one in cfg.param_scheduler] == ["LinearLR", "ConstantLR"]


@DATASETS.register_module()
class Niceness(Numbers):
    """Instead of numbers, the lowest niceness of the threads of its process."""

    def __getitem__(self, index):
        threads = map(int, os.listdir("/proc/self/task"))
        niceness = min(os.getpriority(os.PRIO_PROCESS, one) for one in threads)
        return dict(super().__getitem__(index), inputs=torch.full((10,), niceness))


class KeepInputs(Hook):
    def __init__(self):
        self.inputs = []

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        self.inputs.append(data_batch["inputs"])


@pytest.mark.skipif(torch.cuda.is_available(), reason="only where the CPU computes")
@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="Linux only")
def test_loaders_are_in_the_background(tmp_path):
    loading = dict(num_workers=1, prefetch_factor=1)
    cfg = toy_config(tmp_path)
    cfg.train_dataloader.update(dataset=dict(type="mmengine.Niceness"), **loading)
    runner = build_runner(cfg, "toy.py", None, "none")
    batches = KeepInputs()
    runner.register_hook(batches)
    runner.train()
    own = os.nice(0)
    # Of each epoch with processes of its own the fourth batch is begun after the first
    # one was there; two are on their way before.
    for epoch in (batches.inputs[:4], batches.inputs[4:]):
        assert (epoch[0][0] == own).all()
        assert all((row == min(own + 10, 19)).all() for row in epoch[3])


@pytest.mark.skipif(torch.cuda.is_available(), reason="only where the CPU computes")
def test_a_process_that_its_launcher_did_not_start(tmp_path, monkeypatch):
    """What is missing is said, before anything waits for others."""
    for variable in list(os.environ):
        if variable.startswith(("SLURM_", "OMPI_", "MASTER_", "RANK", "WORLD_SIZE")):
            monkeypatch.delenv(variable)
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.setenv(name, "1")
        monkeypatch.delenv(name)  # and again when the test has ended

    def message(launcher):
        with pytest.raises(ValueError) as error:
            build_runner(toy_config(tmp_path), "toy.py", None, launcher)
        return str(error.value)

    for launcher, starter, variable in (
        ("pytorch", "torchrun", "RANK"),
        ("slurm", "srun", "SLURM_PROCID"),
        ("mpi", "mpirun", "OMPI_COMM_WORLD_RANK"),
    ):
        assert starter in message(launcher) and variable in message(launcher)
    for name in ("PROCID", "LOCALID", "NTASKS"):
        monkeypatch.setenv(f"SLURM_{name}", "1")
    for name in ("RANK", "LOCAL_RANK", "SIZE"):
        monkeypatch.setenv(f"OMPI_COMM_WORLD_{name}", "1")
    monkeypatch.setenv("PATH", str(tmp_path))  # without scontrol
    for launcher in ("slurm", "mpi"):
        assert "set MASTER_ADDR to the name of" in message(launcher)
