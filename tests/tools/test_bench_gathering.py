"""Row 16b: the script runs and says what it is asked for."""

from __future__ import annotations

import sys

from conftest import ROOT

sys.path.append(str(ROOT / "tools/benchmarks"))
import gathering  # by its name: its processes import it, too


def test_script_runs():
    (line,) = gathering.measure(samples=51, classes=3, rounds=1)
    assert line.row == "16b" and line.ratio > 0 and line.goal
