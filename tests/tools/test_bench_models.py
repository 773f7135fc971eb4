"""Rows 8, 8b, 9 and 11: the scripts run; both sides of row 9 are one network."""

from __future__ import annotations

import json
import sys

import pytest
from conftest import ROOT, load_script

sys.path.append(str(ROOT / "tools/benchmarks"))
import measuring


@pytest.fixture
def script():
    return lambda name: load_script(f"tools/benchmarks/{name}.py")


def lines_of(tool, flags, capsys) -> list[dict]:
    measuring.script(tool.measure, flags)
    return json.loads(capsys.readouterr().out.splitlines()[-1])


@pytest.mark.slow
def test_models_run(script, monkeypatch, capsys):
    tool = script("bench_models")
    # would bind the whole test process to one core
    monkeypatch.setattr(tool, "one_core", lambda: None)
    lines = lines_of(tool, ["--rounds", "1"], capsys)
    assert [line["row"] for line in lines] == ["8", *["8b"] * 5, "11"]
    assert [line["goal"] for line in lines] == [0.15, 1.0, *[None] * 4, 1.1]
    assert all(line["ratio"] > 0 for line in lines)


def test_backbones_run(script, monkeypatch, capsys):
    tool = script("backbones_peer")
    ours, peer, _ = tool.PAIRS["R3D-18"]
    monkeypatch.setitem(tool.PAIRS, "R3D-18", (ours, peer, (3, 8, 32, 32)))
    flags = ["--rounds", "1", "--only", "R3D-18"]
    time, share, bound = lines_of(tool, flags, capsys)
    assert time["row"] == "9" and time["goal"] == 0.8
    # equal multiply-adds: the shares are the times upside down
    assert share["ratio"] == pytest.approx(1 / time["ratio"], rel=0.05)
    assert 0 < bound["ratio"] and bound["peer"] == time["peer"]


@pytest.mark.parametrize("name", ["R3D-18", "I3D-R50"])
def test_both_sides_are_one_network(name, script):
    tool = script("backbones_peer")
    ours, peer = (
        [tuple(p.shape) for p in tool.build(cfg).parameters()]
        for cfg in tool.PAIRS[name][:2]
    )
    assert sorted(ours) == sorted(peer)
