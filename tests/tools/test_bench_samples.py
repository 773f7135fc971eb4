"""The speed benchmarks of samples: that they run, and what they print."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
from conftest import ROOT, load_script

SPEED = ROOT / "tools" / "benchmarks"


@pytest.fixture
def tools(monkeypatch, tmp_path):
    """The shared modules, small; what they draw goes to a folder of the test."""
    monkeypatch.syspath_prepend(str(SPEED))
    monkeypatch.chdir(tmp_path)
    names = ("measuring", "bench_clips", "pipelines")
    parts = {name: load_script(f"tools/benchmarks/{name}.py") for name in names}
    clip = parts["bench_clips"].Clip("a.mp4", 96, 64, seconds=2.0)
    monkeypatch.setattr(parts["bench_clips"], "WEB", (clip,))
    monkeypatch.setattr(parts["bench_clips"], "HIGH", ())
    monkeypatch.setattr(parts["pipelines"], "ROUNDS", 2)
    # would bind the whole test process to one core
    monkeypatch.setattr(parts["pipelines"], "one_core", lambda: None)
    monkeypatch.setattr(parts["measuring"], "one_core", lambda: None)
    return parts


def test_samples_side_by_side(tools, capsys):
    clips = tools["bench_clips"].WEB
    results = tools["pipelines"].compare_samples("1", clips, 0.85)
    assert [one.name for one in results] == ["all files", "a.mp4, 96 x 64"]
    assert all(one.ratio > 0 and one.ours > 0 and one.peer > 0 for one in results)
    tools["measuring"].report(results)
    table, last = capsys.readouterr().out.rsplit("\n", 2)[:2]
    rows = [line for line in table.splitlines() if line.startswith("| 1 |")]
    assert json.loads(last)[0]["goal"] == 0.85 and len(rows) == 2


def test_both_sides_see_the_same_stretch(tools):
    """Of the drawn frames: ours and MMAction2's differ by less than two of the file."""
    pipelines, (path,) = (
        tools["pipelines"],
        tools["bench_clips"].files(tools["bench_clips"].WEB),
    )
    stock = pipelines.build(pipelines.stock_rgb())[:3]
    ours = pipelines.build(pipelines.trimodal(SampleClips=dict(fps=15)))[:2]
    for seed in range(5):
        clip = pipelines.run(ours, path, seed)
        times = clip["frame_times"].ravel()
        clip["media"].close()
        frames = pipelines.run(stock, path, seed)["frame_inds"]
        assert np.abs(times[:-1] - frames / 30).max() <= 2 / 30


@pytest.mark.parametrize("name", ["decode_bound", "clips_per_opening"])
def test_parts_of_a_sample(tools, monkeypatch, name):
    tool = load_script(f"tools/benchmarks/{name}.py")
    monkeypatch.setattr(tool, "WEB", tools["bench_clips"].WEB)
    monkeypatch.setattr(tool, "ROUNDS", 1)
    monkeypatch.setattr(tool, "one_core", lambda: None)
    results = (
        tool.main(tools["bench_clips"].WEB) if name == "decode_bound" else tool.main()
    )
    assert all(one.ratio > 0 for one in results) and results[0].goal is not None


def test_flow_of_the_pipeline_is_accurate(tools, monkeypatch):
    tool = load_script("tools/benchmarks/sample_flow.py")
    fast, medium = tool.errors()
    assert fast.ours <= tool.MAX_ERROR
    assert fast.ratio < 1 < 1.5 * medium.ratio


def test_all_scripts_are_found_and_read(tools, monkeypatch):
    tool = load_script("tools/benchmarks/run_all.py")
    found = {path.stem for path in tool.scripts()}
    assert {"sample_112", "decode_bound", "startup"} <= found
    assert not found & tool.SHARED
    one = tools["measuring"].result("6b", "x", [1.0, 2.0, 3.0], [2.0, 2.0, 2.0], 1.0)
    assert one.ratio == 1.0 and one.spread == (0.75, 1.25)
    printed = "noise\n" + json.dumps([vars(one)])
    (back,) = tool.parse_results(printed)
    assert back.row == "6b" and tool.row_order(back) == (6, "6b")
    with pytest.raises(ValueError, match="no results"):
        tool.parse_results("Traceback")
    assert sys.version.split()[0] in tool.machine()
