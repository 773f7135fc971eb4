"""The benchmarks allocator.py and bfloat16.py: that they run, and what they print."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys

import pytest
from conftest import ROOT

FLAGS = ["--batch", "2", "--size", "32", "--rounds", "1"]


@pytest.mark.parametrize(
    "name,row,lines", [("allocator", "16c", 4), ("bfloat16", "10", 2)]
)
def test_runs(name, row, lines):
    if name == "allocator" and platform.libc_ver()[0] != "glibc":
        pytest.skip("another C library")
    script = ROOT / f"tools/benchmarks/speed/{name}.py"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(script), *FLAGS],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    results = json.loads(done.stdout.splitlines()[-1])
    assert [one["row"] for one in results] == [row] * lines
    assert all(one["ratio"] > 0 and one["ours"] > 0 for one in results)
