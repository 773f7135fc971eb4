"""Several machines, here two ``torchrun`` agents on one, and other runners."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from engine.test_processes import free_ports

SCRIPT = Path(__file__).with_name("node_worker.py")


def train(folder: Path, kind: str, nodes: int) -> list[dict]:
    """What each process has after a training, started as docs/scaling.md says."""
    folder.mkdir()
    env = dict(
        os.environ,
        PYTHONPATH=os.pathsep.join(filter(None, sys.path)),
        OMP_NUM_THREADS="1",
    )
    (port,) = free_ports(1)
    agents = []
    for node in range(nodes):
        flags = f"--nnodes {nodes} --nproc-per-node 1 --node-rank {node} "
        flags += f"--master-addr 127.0.0.1 --master-port {port}"
        command = [sys.executable, "-m", "torch.distributed.run", *flags.split()]
        agents.append(
            subprocess.Popen(
                [*command, str(SCRIPT), str(folder), kind],
                env=env,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
    try:
        outputs = [agent.communicate(timeout=240)[0] for agent in agents]
    finally:
        for agent in agents:
            agent.kill()
    assert [agent.returncode for agent in agents] == [0] * nodes, outputs
    return [torch.load(path) for path in sorted(folder.glob("rank*.pt"))]


@pytest.mark.slow  # processes that import torch
def test_two_nodes_train_one_model(tmp_path):
    """With MMEngine's runner, and with FlexibleRunner's strategy: the same weights."""
    runs = {
        kind: train(tmp_path / kind, kind, nodes=2)
        for kind in ("Runner", "FlexibleRunner")
    }
    for kind, (first, second) in runs.items():
        assert first["world"] == second["world"] == 2, kind
        assert first["iter"] == second["iter"] == 4, kind  # 2 epochs of 8 by 2 x 2
        assert torch.equal(first["weight"], second["weight"]), kind
        assert first["weight"].abs().sum() > 0, kind
    weights = [first["weight"] for first, _ in runs.values()]
    assert torch.equal(*weights)
