"""Rows 8, 8b and 9: the scripts run, and both sides of row 9 are the same network."""

from __future__ import annotations

import json
import sys

import pytest
from conftest import ROOT, load_script


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "tools/benchmarks"))
    return lambda name: load_script(f"tools/benchmarks/{name}.py")


def lines_of(tool, flags, monkeypatch, capsys) -> list[dict]:
    monkeypatch.setattr(sys, "argv", ["bench", *flags])
    tool.main()
    return json.loads(capsys.readouterr().out.splitlines()[-1])


@pytest.mark.parametrize("name", ["default_model", "three_streams"])
def test_models_run(name, script, monkeypatch, capsys):
    flags = ["--batch", "1", "--rounds", "1"]
    lines = lines_of(script(name), flags, monkeypatch, capsys)
    assert {line["row"] for line in lines} == {
        dict(default_model="8", three_streams="8b")[name]
    }
    assert all(line["ratio"] > 0 for line in lines)


def test_backbones_run(script, monkeypatch, capsys):
    tool = script("backbones_peer")
    ours, peer, _ = tool.PAIRS["R3D-18"]
    monkeypatch.setitem(tool.PAIRS, "R3D-18", (ours, peer, (3, 8, 32, 32)))
    flags = ["--rounds", "1", "--only", "R3D-18"]
    time, share, bound = lines_of(tool, flags, monkeypatch, capsys)
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
