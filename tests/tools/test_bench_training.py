"""tools/benchmarks/training_steps.py: that they run, and what they print.

Threads stand for their processes here, each of which would import torch again.
"""

from __future__ import annotations

import json
import queue
import threading
from types import SimpleNamespace

import pytest
from conftest import ROOT, load_script

FLAGS = ["--batch", "2", "--size", "32", "--rounds", "1"]


class End:
    """One end of a pipe between threads."""

    def __init__(self, inbox: queue.Queue, outbox: queue.Queue):
        self.recv, self.send = inbox.get, outbox.put

    def close(self):
        pass


def pipe() -> tuple[End, End]:
    one, other = queue.Queue(), queue.Queue()
    return End(one, other), End(other, one)


@pytest.mark.parametrize(("row", "lines"), [("16c", 4), ("10", 2)])
def test_runs(row, lines, monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(ROOT / "tools/benchmarks"))
    script = load_script("tools/benchmarks/training_steps.py")
    threads = SimpleNamespace(Pipe=pipe, Process=threading.Thread)
    monkeypatch.setattr("multiprocessing.get_context", lambda _: threads)
    monkeypatch.setattr(script, "keep_large_blocks", lambda: True)
    script.script(script.measure, ["--rows", row, *FLAGS])
    results = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [one["row"] for one in results] == [row] * lines
    assert all(one["ratio"] > 0 and one["ours"] > 0 for one in results)
