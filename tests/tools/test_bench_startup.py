"""tools/benchmarks/startup.py: it starts both sides and says how long."""

from __future__ import annotations

import json
import sys

import pytest
from conftest import ROOT, load_script


@pytest.fixture
def tool(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "tools/benchmarks")
    return load_script("tools/benchmarks/startup.py")


@pytest.mark.slow
def test_one_start_of_each_script(tool, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(tool, "FOLDER", tmp_path)
    monkeypatch.setattr(tool, "FILES", dict(train=8, val=8, test=8))
    commands = tool.commands
    began = str(tmp_path / "began.txt")
    at_once = f"import time; open({began!r}, 'w').write(repr(time.time()))"

    def shorter(config):
        """tests/packaging starts mim; each script once is enough."""
        scripts = commands(config)
        for side in ("ours", "peer"):
            scripts[f"mim {side}"] = scripts[f"script {side}"]
            scripts[f"script {side}"] = [sys.executable, "-c", at_once]
        return scripts

    monkeypatch.setattr(tool, "WARMUP", 0)
    monkeypatch.setattr(tool, "commands", shorter)
    tool.script(tool.measure, ["--rounds", "1"])
    lines = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [line["goal"] for line in lines] == [0.8, None, None, None]
    assert all(line["row"] == "14" and line["ratio"] > 0 for line in lines)


def test_a_start_that_fails_shows_its_output(tool, tmp_path):
    command = [sys.executable, "-c", "raise ValueError('no such config')"]
    with pytest.raises(RuntimeError, match="no such config"):
        tool.start(command, tmp_path)
