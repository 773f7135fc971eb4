"""check_files: a file that crashes or hangs the decoder costs itself alone."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # for helpers_media
sys.path.insert(0, str(Path(__file__).parents[2] / "disk"))
import light_work
from helpers_media import write_coded

from mmstconv.apis import check


def test_in_processes_and_in_this_one(tmp_path):
    paths = [write_coded(tmp_path / f"{n}.mp4", 10) for n in range(3)]
    paths.append(tmp_path / "gone.mp4")
    here = {one.path: one for one in check.check_files(paths, workers=0)}
    there = {one.path: one for one in check.check_files(paths, workers=2)}
    assert here == there and list(here) == paths
    assert here[paths[3]].error == "No such file or directory"
    assert list(check.check_files([])) == []


def test_a_decoder_that_crashes_or_hangs(monkeypatch):
    monkeypatch.setattr(check, "check_file", light_work.by_name)
    monkeypatch.setattr(check, "PATIENCE", 2.0)
    paths = [Path(name) for name in ("a", "crash", "b", "hang", "c")]
    found = {one.path.name: one for one in check.check_files(paths, workers=2)}
    assert found["crash"].error == "the decoder ended its process (-11)"
    assert found["hang"].error == "was not read within 2 s"
    assert [found[name].error for name in "abc"] == [None, None, None]
