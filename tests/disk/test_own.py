"""What may be written over, and what never is."""

from __future__ import annotations

import errno
import json
import os
import pickle
import re

import pytest
from conftest import load_script
from mmaction.registry import METRICS

from mmstconv.disk import (
    ForeignFile,
    file_digest,
    is_own,
    own_file,
    refuse_foreign,
    write_own,
    write_own_json,
)
from mmstconv.disk.own import RECORD
from mmstconv.disk.unfinished import NAME, unfinished_path


def test_own_files_are_replaced_and_no_others(tmp_path):
    path = tmp_path / os.fsdecode(b"caf\xe9.txt")
    write_own(path, "one")
    write_own(path, "two \udce9")
    assert path.read_bytes() == b"two \xe9" and is_own(path)
    moved = tmp_path / "moved"
    tmp_path.joinpath("sub").mkdir()
    path.rename(moved)  # under another name it is the user's
    with pytest.raises(ForeignFile, match="moved is there and was not written by"):
        write_own(moved, "three")
    moved.rename(path)
    write_own(path, "three")
    for content in (b"", b"three\n", b"three"):
        path.write_bytes(content)
        if content != b"three":
            with pytest.raises(ForeignFile, match="or was changed since"):
                write_own(path, "four")
            assert path.read_bytes() == content
    write_own(path, "four")
    (tmp_path / RECORD).write_bytes((tmp_path / RECORD).read_bytes()[:-9])  # cut off
    write_own(tmp_path / "more", "")
    assert is_own(tmp_path / "more")


def test_links_and_folders_are_not_own(tmp_path):
    write_own(tmp_path / "own", "mine")
    (tmp_path / "link").symlink_to("own")
    (tmp_path / "dangling").symlink_to("nothing")
    (tmp_path / "folder").mkdir()
    os.link(tmp_path / "own", tmp_path / "hard")
    for name in ("link", "dangling", "folder", "hard"):
        with pytest.raises(ForeignFile, match=f"{name} is there and was not"):
            write_own(tmp_path / name, "x")
    with pytest.raises(
        ForeignFile, match=r"(?s)4 files are there.*dangling.*delete th"
    ):
        refuse_foreign(tmp_path / n for n in ("link", "dangling", "folder", "hard"))
    assert (tmp_path / "own").read_text() == "mine"
    write_own(tmp_path / "own", "new")
    assert (tmp_path / "hard").read_text() == "mine"
    with pytest.raises(FileNotFoundError, match="no/such"):
        write_own(tmp_path / "no" / "such" / "file", "x")


def test_a_failure_leaves_what_was_there(tmp_path):
    path = tmp_path / "a"
    write_own(path, "before")
    with pytest.raises(KeyboardInterrupt), own_file(path) as part:
        part.write_text("half")
        raise KeyboardInterrupt
    assert path.read_text() == "before"
    with pytest.raises(ForeignFile), own_file(tmp_path / "b") as part:
        part.write_text("late")
        (tmp_path / "b").write_text("mine")  # while it was written
    assert (tmp_path / "b").read_text() == "mine"
    assert {one.name for one in tmp_path.iterdir()} == {"a", "b", RECORD}


def test_a_full_disk_says_which_file(tmp_path):
    path = tmp_path / "a"
    full = OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(OSError, match=f"No space left on device: '{path}'"):
        with own_file(path):
            raise full


def test_a_long_record_is_read_once(tmp_path, monkeypatch):
    """Not for each of its files; what is new in it, and a new one, are seen."""
    files = [tmp_path / str(number) for number in range(50)]
    for path in files:
        write_own(path, path.name)
    lines, loads = [], json.loads
    monkeypatch.setattr(json, "loads", lambda line: lines.append(line) or loads(line))
    assert all(map(is_own, files))
    assert len(lines) <= len(files)
    files[0].write_text("changed")
    assert not is_own(files[0])
    with (tmp_path / RECORD).open("a") as record:  # as another process does
        record.write(json.dumps(["0", file_digest(files[0])]) + "\n")
    assert is_own(files[0])
    (tmp_path / RECORD).write_text("")
    assert not any(map(is_own, files))


def test_names_that_are_no_text_in_json(tmp_path):
    for content in ({"日": "\n"}, {os.fsdecode(b"\xff"): ["日"]}):
        write_own_json(tmp_path / "a", content, indent=1)
        text = (tmp_path / "a").read_text("utf-8")
        assert json.loads(text) == content
    assert "\\udcff" in text


def test_a_kill_between_record_and_name(tmp_path):
    """The record is written first: what it says of the last time may not have come."""
    path = tmp_path / "a"
    write_own(path, "one")
    before = path.read_bytes()
    write_own(path, "two")
    path.write_bytes(before)
    write_own(path, "three")
    assert path.read_text() == "three"


def test_temporary_names(tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("mine")
    unfinished_path(tmp_path / "a").symlink_to(victim)  # is not written through
    write_own(tmp_path / "a", "x")
    assert victim.read_text() == "mine"
    for name in ("a", "a.b\n.mp4", "ä" * 127, "x" * 255):
        part = unfinished_path(tmp_path / name)
        assert NAME.fullmatch(part.name) and str(os.getpid()) in part.name
        part.touch()
        part.unlink()


def test_predictions(tmp_path, monkeypatch):
    path = tmp_path / "new" / "predictions.pkl"
    for content in ([1], [2]):
        metric = METRICS.build(dict(type="OwnDumpResults", out_file_path=str(path)))
        metric.compute_metrics(content)
        assert pickle.loads(path.read_bytes()) == content
    path.write_bytes(b"mine")
    with pytest.raises(ForeignFile, match=re.escape(f"{path} is there")):
        METRICS.build(dict(type="OwnDumpResults", out_file_path=str(path)))
    test = load_script("tools/test.py")
    assert "OwnDumpResults" in open(test.__file__).read()


def test_the_demo_deletes_nothing(tmp_path, monkeypatch):
    """Its default folder is that of trainings of the same config by hand."""
    from types import SimpleNamespace

    demo = load_script("tools/demo.py")
    args = SimpleNamespace(work_dir=tmp_path, data_root=tmp_path)
    (tmp_path / "manifest.json").write_text("{}")
    run = demo.Run("audio", demo.CONFIG["audio"], args, threads=1)
    mine = tmp_path / run.config.stem / "epoch_50.pth"
    mine.parent.mkdir()
    mine.write_text("weeks")
    monkeypatch.setattr(demo.Run, "_mim", lambda self, *arguments: None)
    folders = set()
    for manifest in ("{}", '{"seed": 1}', "{}"):
        (tmp_path / "manifest.json").write_text(manifest)
        run.train()
        folders.add(run.work_dir)
    assert mine.read_text() == "weeks" and len(folders) == 2
    (tmp_path / "results.json").write_text("mine")
    monkeypatch.setattr("sys.argv", ["demo.py", "--work-dir", str(tmp_path)])
    with pytest.raises(ForeignFile, match=r"results\.json"):
        demo.main()
