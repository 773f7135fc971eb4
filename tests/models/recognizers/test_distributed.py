"""Two processes, one of which never hears a sound."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from mmaction.registry import MODELS

SCRIPT = Path(__file__).with_name("ddp_worker.py")
spec = importlib.util.spec_from_file_location("ddp_worker", SCRIPT)
worker = importlib.util.module_from_spec(spec)
spec.loader.exec_module(worker)


@pytest.fixture(scope="module")
def ranks(tmp_path_factory, make_cfg):
    folder = tmp_path_factory.mktemp("distributed")
    cfg = make_cfg(("rgb", "audio"), norm_eval=True, aux_loss_weight=0.3)
    torch.save(cfg, folder / "cfg.pt")
    env = dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, sys.path)))
    processes = [
        subprocess.Popen(
            [sys.executable, str(SCRIPT), str(rank), str(folder)],
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in range(worker.WORLD)
    ]
    try:
        for process in processes:
            output, _ = process.communicate(timeout=120)  # a hang ends here
            assert process.returncode == 0, output
    finally:
        for process in processes:
            process.kill()
    return cfg, [torch.load(folder / f"rank{rank}.pt") for rank in range(worker.WORLD)]


def test_weights_stay_the_same_everywhere(ranks):
    _, (first, second) = ranks
    for name, value in first["state"].items():
        assert torch.equal(value, second["state"][name]), name


def test_silent_rank_adds_zero_gradient(ranks):
    _, (first, second) = ranks
    for name, shared in first["shared_grad"].items():
        mean = (first["own_grad"][name] + second["own_grad"][name]) / 2
        assert torch.allclose(shared, mean, atol=1e-6), name
        if name.startswith("streams.audio."):
            assert not second["own_grad"][name].any(), name
            assert shared.any(), name


def test_same_loss_as_one_process_with_the_joint_batch(ranks):
    cfg, results = ranks
    torch.manual_seed(0)
    model = MODELS.build(cfg).train()
    parts = [worker.batch(rank, has_audio=rank == 0) for rank in range(worker.WORLD)]
    inputs = {
        name: torch.cat([part[0][name] for part in parts]) for name in ("rgb", "audio")
    }
    data_samples = parts[0][1] + parts[1][1]
    joint = model(inputs, data_samples, mode="loss")["loss_cls"]
    mean = sum(result["loss"] for result in results) / worker.WORLD
    assert torch.allclose(mean, joint, atol=1e-5)
