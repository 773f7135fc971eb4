"""tools/benchmarks/training_steps.py: that they run, and what they print.

Threads stand for their processes here, each of which would import torch again.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch.nn.functional as F
from conftest import ROOT, load_script

FLAGS = ["--batch", "2", "--size", "32", "--rounds", "1"]


@pytest.mark.parametrize(("row", "lines"), [("16c", 4), ("16d", 2), ("10", 2)])
def test_runs(row, lines, monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(ROOT / "tools/benchmarks"))
    script = load_script("tools/benchmarks/training_steps.py")
    monkeypatch.setattr(
        script, "ProcessPoolExecutor", lambda count, **_: ThreadPoolExecutor(count)
    )
    monkeypatch.setattr(script, "keep_large_blocks", lambda: True)
    monkeypatch.setattr(F, "batch_norm", F.batch_norm)  # put back
    script.script(script.measure, ["--rows", row, *FLAGS])
    results = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [one["row"] for one in results] == [row] * lines
    assert all(one["ratio"] > 0 and one["ours"] > 0 for one in results)
