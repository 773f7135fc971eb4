"""tools/benchmarks: prepared_videos.py and loaders.py on tiny settings."""

from __future__ import annotations

import json
import os
import sys

import cv2
import pytest
import torch
from conftest import ROOT, load_script

sys.path.append(str(ROOT / "tools/benchmarks"))
import bench_clips
import measuring

TINY = (bench_clips.Clip("tiny.mp4", 160, 120, fps=25, seconds=2.0),)


@pytest.fixture(autouse=True)
def _tiny(tmp_path, monkeypatch):
    """One small file; the process is given back its cores and threads."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(bench_clips, "WEB", TINY)
    cores, threads = os.sched_getaffinity(0), torch.get_num_threads()
    of_opencv = cv2.getNumThreads()
    yield
    os.sched_setaffinity(0, cores)
    torch.set_num_threads(threads)
    cv2.setNumThreads(of_opencv)


def lines_of(capsys):
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def test_prepared_videos(capsys):
    tool = load_script("tools/benchmarks/prepared_videos.py")
    measuring.script(tool.measure, ["--rounds", "1"])
    time, size = lines_of(capsys)
    assert time["row"] == size["row"] == "4" and time["goal"] == 0.15
    assert time["ratio"] > 0 and "LoadFrames" in time["note"]
    (original,), (prepared,) = (
        list(folder.glob("*.mp4")) for folder in (bench_clips.FOLDER, tool.FOLDER)
    )
    sizes = [path.stat().st_size for path in (prepared, original)]
    assert size["ratio"] == pytest.approx(sizes[0] / sizes[1])
    assert tool.decibels(original, prepared) > 28
    assert tool.decibels(original, original) > 99


def test_loaders(capsys):
    tool = load_script("tools/benchmarks/loaders.py")
    flags = ["--lines", "900", "--repeats", "8", "--rounds", "1"]
    measuring.script(tool.measure, flags)
    scaling, memory, start, beside, gain = lines_of(capsys)
    assert {one["row"] for one in (scaling, memory, start, beside, gain)} == {"16"}
    assert 0.1 < scaling["ours"] < 10 and memory["ours"] > 1
    assert start["peer"] == 1 and start["goal"] == 1 and beside["ours"] == start["ours"]
    assert len(list(tool.LISTED.glob("*/*.mp4"))) == 900
    assert gain["ours"] < 5
