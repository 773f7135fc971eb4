"""tools/benchmarks/gpu.py: with and without a device, on small sizes."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
import torch
from conftest import ROOT


def run(*flags):
    """The table's objects, of a run that ends well."""
    command = [sys.executable, "tools/benchmarks/gpu.py", "--tiny", *flags]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout.splitlines()[-1])
    assert {row["row"] for row in rows} == {"17"}
    return {row["name"]: row for row in rows}


@pytest.mark.slow
def test_every_path_runs_on_a_cpu():
    rows = run("--device", "cpu", "--rounds", "1")
    steps = [name for name in rows if name.startswith("training step")]
    assert len(steps) == 4
    assert all(rows[name]["ratio"] > 0 for name in steps)
    waits = [row for name, row in rows.items() if name.startswith("share of training")]
    assert len(waits) == 3 and all(0 < row["ratio"] < 1 for row in waits)
    error = rows["mean end-point error of TVL1Flow on them"]
    assert 0 < error["ratio"] < error["goal"]


def test_without_a_gpu():
    if torch.cuda.is_available():
        pytest.skip("there is one")
    rows = run("--rounds", "1")
    blank = [row for row in rows.values() if row["note"] == "no GPU"]
    assert len(blank) == 2 and all(row["ratio"] is None for row in blank)
    assert len(rows) > 2  # flow is measured all the same
