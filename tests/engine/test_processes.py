"""Two processes and what can happen to one of them: none waits for ever."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from engine.resume_run import different, saved_state

SCRIPT = Path(__file__).with_name("process_worker.py")
SCENARIOS = 8
SECONDS = 20  # that any scenario may take on a loaded machine


@pytest.fixture(scope="module")
def ended(demo_data, tmp_path_factory):
    """The folder with the scenarios' results, and the exit codes."""
    folder = tmp_path_factory.mktemp("processes")
    broken = [demo_data / "train" / f"broken_{index}.mp4" for index in (1, 3, 5)]
    for path in broken:
        path.write_bytes(b"\0" * 100)
    env = dict(
        os.environ,
        PYTHONPATH=os.pathsep.join(filter(None, sys.path)),
        OMP_NUM_THREADS="1",
        MASTER_ADDR="127.0.0.1",
        WORLD_SIZE="2",
        PORTS=" ".join(free_ports(SCENARIOS)),
    )
    processes = [
        subprocess.Popen(
            [sys.executable, str(SCRIPT), str(folder), str(demo_data)],
            env=dict(env, RANK=str(rank), LOCAL_RANK=str(rank)),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in range(2)
    ]
    try:
        outputs = [process.communicate(timeout=240)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
        for path in broken:
            path.unlink()
    assert processes[0].returncode == 0, outputs[0]
    assert processes[1].returncode == -signal.SIGKILL, outputs[1]
    return folder


def free_ports(count: int) -> list[str]:
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [str(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def results(folder: Path, scenario: str) -> list[dict]:
    found = [torch.load(path) for path in sorted((folder / scenario).glob("rank*.pt"))]
    for result in found:
        assert result["seconds"] < SECONDS
    return found


def test_uneven_data_and_a_bad_file_of_one(ended, demo_data):
    """Seven samples for two; the bad one is replaced where it is read."""
    first, second = results(ended, "whole")
    assert first["error"] == second["error"] == ""
    lines = (demo_data / "val.txt").read_text().splitlines()[:7]
    labels = sum(int(line.split()[-1]) for line in lines)
    assert first["counted"] == [7, labels]
    assert different(first["weights"], second["weights"]) == []
    log = "".join(path.read_text() for path in (ended / "whole").rglob("*.log"))
    assert "broken_1.mp4" in log


def test_resumed_within_an_epoch_is_uninterrupted(ended):
    first, second = results(ended, "resumed")
    assert first["error"] == second["error"] == ""
    (whole, _) = results(ended, "whole")
    assert different(first["weights"], whole["weights"]) == []
    assert different(second["weights"], whole["weights"]) == []
    states = (ended / name / "epoch_2.pth" for name in ("whole", "resumed"))
    assert different(*map(saved_state, states)) == []


def test_jobs_of_slurm_and_of_mpi(ended, demo_data):
    """On CPUs, from what the launchers leave in the environment; MMEngine cannot."""
    lines = (demo_data / "val.txt").read_text().splitlines()[:7]
    labels = sum(int(line.split()[-1]) for line in lines)
    (slurm, *_), _ = found = [results(ended, name) for name in ("slurm", "mpi")]
    for first, second in found:
        assert first["error"] == second["error"] == ""
        assert first["counted"] == [7, labels]
        assert different(first["weights"], second["weights"]) == []
        assert different(first["weights"], slurm["weights"]) == []


def test_nan_in_one_stops_both(ended):
    first, second = results(ended, "nan")
    assert first["error"] == second["error"]
    message = first["error"]
    assert message.startswith("InvalidLossError: the loss is not finite in epoch 1, ")
    assert "iteration 2" in message
    assert "not finite already in the input: audio of" in message
    assert message.count("  files: ") == 1  # of the process that has it
    assert not (ended / "nan" / "iter_2.pth").exists()


def test_the_policy_stops_one(ended):
    first, second = results(ended, "policy")
    assert second["error"].startswith("BadDataError") and "broken_1" in second["error"]
    assert first["error"].startswith("PeerFailure: process 0 of 2 has lost another one")


def test_one_hangs(ended):
    first, _ = results(ended, "hang")
    assert first["error"].startswith("PeerFailure: process 0 of 2")
    assert "in training, iteration 2 of epoch 1" in first["error"]
    assert "env_cfg.dist_cfg.timeout" in first["error"]


def test_one_is_killed(ended):
    """Through tools/train.py, its last scenario."""
    (first,) = results(ended, "killed")
    assert first["error"].startswith("PeerFailure: process 0 of 2 has lost another one")
