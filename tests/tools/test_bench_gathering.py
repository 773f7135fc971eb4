"""Row 16b: the script runs and says what it is asked for."""

from __future__ import annotations

import json
import subprocess
import sys

from conftest import ROOT


def test_script_runs():
    flags = ["--samples", "51", "--classes", "3", "--rounds", "1"]
    done = subprocess.run(
        [sys.executable, ROOT / "tools/benchmarks/gathering.py", *flags],
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    (line,) = json.loads(done.stdout.splitlines()[-1])
    assert line["row"] == "16b" and line["ratio"] > 0 and line["goal"]
