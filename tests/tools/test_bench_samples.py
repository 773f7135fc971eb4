"""The speed benchmarks of samples: that they run, and what they print."""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import ROOT, load_script

SPEED = ROOT / "tools" / "benchmarks"


@pytest.fixture
def tools(monkeypatch, tmp_path):
    """The modules, with one small file that is drawn into a folder of the test."""
    monkeypatch.syspath_prepend(str(SPEED))
    monkeypatch.chdir(tmp_path)
    names = ("measuring", "bench_clips", "pipelines", "samples", "run_all")
    parts = {name: load_script(f"tools/benchmarks/{name}.py") for name in names}
    clip = parts["bench_clips"].Clip("a.mp4", 96, 64, seconds=2.0)
    return SimpleNamespace(**parts, clips=(clip,))


def test_samples_side_by_side(tools, capsys):
    results = tools.samples.beside_stock("1", tools.clips, 0.85, 112, 2)
    assert [one.name for one in results] == ["all files", "a.mp4, 96 x 64"]
    assert all(one.ratio > 0 and one.ours > 0 and one.peer > 0 for one in results)
    tools.measuring.report(results)
    table, last = capsys.readouterr().out.rsplit("\n", 2)[:2]
    rows = [line for line in table.splitlines() if line.startswith("| 1 |")]
    assert json.loads(last)[0]["goal"] == 0.85 and len(rows) == 2


def test_both_sides_see_the_same_stretch(tools):
    """Of the drawn frames: ours and MMAction2's differ by less than two of the file."""
    pipelines, (path,) = tools.pipelines, tools.bench_clips.files(tools.clips)
    stock = pipelines.build(pipelines.stock_rgb())[:3]
    ours = pipelines.build(pipelines.trimodal(SampleClips=dict(fps=15)))[:2]
    for seed in range(5):
        clip = pipelines.run(ours, path, seed)
        times = clip["frame_times"].ravel()
        clip["media"].close()
        frames = pipelines.run(stock, path, seed)["frame_inds"]
        assert np.abs(times[:-1] - frames / 30).max() <= 2 / 30


@pytest.mark.parametrize("name", ["beside_decoding", "several_clips"])
def test_parts_of_a_sample(tools, name):
    first, *rest = getattr(tools.samples, name)(tools.clips, 1)
    assert first.goal is not None and len(rest) == 1
    assert all(one.ratio > 0 for one in (first, *rest))


def test_flow_of_the_pipeline_is_accurate(tools):
    fast, medium = tools.samples.flow_errors()
    assert fast.ours <= tools.samples.MAX_ERROR
    assert fast.ratio < 1 < 1.5 * medium.ratio


def test_all_scripts_are_found_and_read(tools):
    tool = tools.run_all
    found = {path.stem for path in tool.scripts()}
    assert {"samples", "bench_models", "startup"} <= found
    assert not found & {"measuring", "recomputed", "fusion", "run_all"}
    one = tools.measuring.result("6b", "x", [1.0, 2.0, 3.0], [2.0, 2.0, 2.0], 1.0)
    assert one.ratio == 1.0 and one.spread == (0.75, 1.25)
    printed = "noise\n" + json.dumps([vars(one)])
    (back,) = tool.parse_results(printed)
    assert back.row == "6b" and tool.row_order(back) == (6, "6b")
    with pytest.raises(ValueError, match="no results"):
        tool.parse_results("Traceback")
    assert sys.version.split()[0] in tool.machine()
