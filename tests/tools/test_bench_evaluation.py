"""Rows 11 and 16b: the scripts run and say what they are asked for."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from conftest import ROOT


@pytest.mark.parametrize(
    ("script", "row", "flags"),
    [
        ("bench_models", "11", ["--rows", "11", "--rounds", "1"]),
        ("gathering", "16b", ["--samples", "51", "--classes", "3", "--rounds", "1"]),
    ],
)
def test_script_runs(script, row, flags):
    done = subprocess.run(
        [sys.executable, ROOT / "tools/benchmarks" / f"{script}.py", *flags],
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    (line,) = json.loads(done.stdout.splitlines()[-1])
    assert line["row"] == row and line["ratio"] > 0 and line["goal"]
