"""tools/check.py: from a folder as strangers have it to an exit code."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import ROOT, load_script

sys.path.append(str(ROOT / "tests"))
from helpers_media import write_coded

TOOL = load_script("tools/check.py")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Names and files that nobody chose well."""
    folder = tmp_path_factory.mktemp("videos")
    first = write_coded(folder / "a b.mp4", 10)
    write_coded(folder / "UPPER.MP4", 20)
    strange = ("c\nd.mp4", os.fsdecode(b"caf\xe9.mp4"), "sub/a b.mp4", "$x;'\".mp4")
    for number, name in enumerate(strange):
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        shutil.copy(write_coded(folder / "_.mp4", 30 + number), path)
    (folder / "_.mp4").unlink()
    (folder / "link.mp4").symlink_to(first)
    (folder / ".hidden.mp4").write_text("no film")
    (folder / "notes.doc").write_text("no film")
    return folder


def run(monkeypatch, *arguments) -> int:
    monkeypatch.setattr(sys, "argv", ["check", *map(str, arguments)])
    with pytest.raises(SystemExit) as end:
        TOOL.main()
    return end.value.code


def test_a_list_whose_files_lie_elsewhere(folder, tmp_path, monkeypatch):
    """As one that init wrote: the names are below the folder of the videos."""
    (tmp_path / "train.txt").write_text("a b.mp4 0\nUPPER.MP4 1\n")
    arguments = (tmp_path / "train.txt", "--dry-run")
    message = run(monkeypatch, *arguments)
    assert message.startswith(f"check: none of the files of {tmp_path}/train.txt is")
    assert "--root names the folder" in message
    assert run(monkeypatch, *arguments, "--root", folder) == 0


def test_a_folder(folder, tmp_path, monkeypatch, capsys):
    out = tmp_path / "new" / "out"
    assert run(monkeypatch, folder, "--dry-run", "--out", out) == 0
    assert capsys.readouterr().out.startswith("7 files: 0 are known, 7 would be read")
    assert not out.exists()
    assert run(monkeypatch, folder, "--out", out, "--workers", 0) == 0
    printed = capsys.readouterr().out
    assert "7 files, 0 min 7 s" in printed and "h264 (7)" in printed
    assert "same content: 1 group" in printed
    assert {path.name for path in out.iterdir()} >= {"files.csv", "files.png"}
    (folder / "empty.mov").touch()
    try:
        assert run(monkeypatch, folder, "--out", out, "--workers", 0, "--json") == 1
    finally:
        (folder / "empty.mov").unlink()
    captured = capsys.readouterr()
    found = json.loads(captured.out)
    assert found["bad"] == [str(folder / "empty.mov")]
    assert f"{folder / 'empty.mov'}: " in captured.err
    assert len(found["files"]) == 8 and found["counts"]["codec"] == {"h264": 7}
    (pair,) = [one for one in found["duplicates"] if one["same_content"]]
    assert {Path(path).name for path in pair["paths"]} == {"a b.mp4", "link.mp4"}


def test_jobs_that_share_the_work(folder, tmp_path, monkeypatch, capsys):
    for number in range(3):
        share = ("--shard", f"{number}/3", "--out", tmp_path, "--workers", 0)
        assert run(monkeypatch, folder, *share) == 0
        assert not (tmp_path / "files.csv").exists()
    assert run(monkeypatch, folder, "--out", tmp_path, "--dry-run") == 0
    assert "7 are known, 0 would be read" in capsys.readouterr().out


def test_leaks_and_damage(tmp_path, monkeypatch, capsys):
    content = bytearray(write_coded(tmp_path / "whole.mkv", 100).read_bytes())
    middle = len(content) // 2
    content[middle : middle + 200] = b"\xff" * 200
    (tmp_path / "mended.mkv").write_bytes(content)
    (tmp_path / "t.txt").write_text("whole.mkv 0\nmended.mkv 0\n")
    (tmp_path / "v.txt").write_text("whole.mkv 0\n")
    lists = ("--train", tmp_path / "t.txt", "--val", tmp_path / "v.txt")
    options = ("--workers", 0, "--full", "--out", tmp_path / "out")
    assert run(monkeypatch, *lists, *options) == 1
    printed = capsys.readouterr().out
    assert "leak: t.txt and v.txt hold the same file" in printed
    assert "1 file bad:" in printed
    assert (tmp_path / "out" / "clean-t.txt").read_text() == "whole.mkv 0\n"
    assert run(monkeypatch, *lists, *options, "--keep-damaged") == 0
    assert "1 file damaged, but used:" in capsys.readouterr().out
    clean = tmp_path / "out" / "clean-t.txt"
    assert clean.read_text() == (tmp_path / "t.txt").read_text()


def test_mistakes_have_one_message(tmp_path, monkeypatch, capsys):
    gone = run(monkeypatch, tmp_path / "gone")
    assert gone == f"check: there is no file or folder {tmp_path / 'gone'}"
    assert run(monkeypatch) == 2
    assert run(monkeypatch, tmp_path, "--shard", "1/3") == 2
    assert run(monkeypatch, tmp_path, "--shard", "3/3", "--out", tmp_path) == 2
    assert run(monkeypatch, tmp_path, "--engine", "ray") == 2
    assert run(monkeypatch, tmp_path, "--chunk", 3) == 2
    capsys.readouterr()


def test_without_ray_it_says_what_to_install(folder, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    said = run(monkeypatch, folder, "--out", tmp_path, "--engine", "ray")
    assert said == "check: Ray is not installed: pip install 'mmstconv[ray]'"


@pytest.mark.slow
def test_interrupted_and_run_again(tmp_path):
    for number in range(60):
        write_coded(tmp_path / f"{number}.mp4", 250)
    out = tmp_path / "out"
    command = [sys.executable, str(ROOT / "tools" / "check.py"), str(tmp_path)]
    command += ["--out", str(out), "--full", "--workers", "1"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    notes = out / "checked.jsonl"
    while not (notes.exists() and notes.read_bytes().count(b"\n") > 3):
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130 and "the same command goes on" in errors
    assert 3 < notes.read_bytes().count(b"\n") < 61
    assert subprocess.run(command).returncode == 0
    assert notes.read_bytes().count(b"\n") == 61
