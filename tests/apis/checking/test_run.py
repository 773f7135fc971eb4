"""A run that ends early goes on; what is written is of all files."""

from __future__ import annotations

import csv
import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))  # for helpers_media
from helpers_media import write_coded

from mmstconv.apis.check import check_files
from mmstconv.apis.checking import run as module
from mmstconv.apis.checking.journal import CheckJournal
from mmstconv.apis.checking.lists import gather
from mmstconv.apis.checking.run import plan, run, write
from mmstconv.disk import ForeignFile


@pytest.fixture
def files(tmp_path):
    folder = tmp_path / "videos"
    folder.mkdir()
    for n in range(4):
        write_coded(folder / f"{n}.mp4", 10 + n)
    (folder / "4.mp4").write_text("no film")
    return gather([folder])[0]


def journal(tmp_path, full=False, name="checked.jsonl"):
    return CheckJournal(tmp_path / name, full)


def interrupted_after(count):
    def shown(checks, planned):
        for number, check in enumerate(checks):
            if number == count:
                raise KeyboardInterrupt
            yield check

    return shown


def test_goes_on_where_it_ended(tmp_path, files):
    with pytest.raises(KeyboardInterrupt):
        run(files, journal=journal(tmp_path), workers=0, shown=interrupted_after(2))
    cut_off = tmp_path / "checked.jsonl"
    cut_off.write_bytes(cut_off.read_bytes() + b'["half a li')
    assert plan(files, journal(tmp_path)).left == files[3:]  # noted, then shown
    found = run(files, journal=journal(tmp_path), workers=0)
    assert found == run(files, workers=0)
    again = plan(files, journal(tmp_path))
    assert again.known == found.checks and not again.left
    os.utime(files[1], ns=(1, 1))
    write_coded(files[2], 30)
    assert plan(files, journal(tmp_path)).left == files[1:3]
    assert plan(files, journal(tmp_path, full=True)).left == files
    run(files[:1], journal=journal(tmp_path, full=True), workers=0)
    assert plan(files[:1], journal(tmp_path)).left == []


def test_shares_are_put_together(tmp_path, files):
    for number in (0, 1):
        part = journal(tmp_path, name=f"checked.{number}-of-2.jsonl")
        run(files[number::2], journal=part, workers=0)
    assert plan(files, journal(tmp_path)).left == []


def test_what_cannot_be_read_is_tried_again(tmp_path, files):
    lost = [*files, tmp_path / "later.mp4"]
    run(lost, journal=journal(tmp_path), workers=0)
    assert plan(lost, journal(tmp_path)).left == lost[-1:]


def test_a_copy_under_way_is_read_again(tmp_path, files, monkeypatch):
    """What was found in a half is not said of the whole."""
    whole = files[0].read_bytes()
    files[0].write_bytes(whole[:-100])

    def check_and_copy(paths, *args):
        for check in check_files(paths, *args):
            if check.path == files[0]:
                files[0].write_bytes(whole)
            yield check

    with monkeypatch.context() as patch:
        patch.setattr(module, "check_files", check_and_copy)
        half = run(files, journal=journal(tmp_path), workers=0).checks[0]
    assert half.error or half.damage
    assert plan(files, journal(tmp_path)).left == [files[0]]
    assert run(files, journal=journal(tmp_path), workers=0).checks[0].problem is None


def test_a_journal_of_somebody_else(tmp_path):
    (tmp_path / "checked.jsonl").write_text('{"mine": 1}\n')
    with pytest.raises(ForeignFile, match=r"checked\.jsonl is there"):
        journal(tmp_path)


def test_what_is_written(tmp_path, files):
    listed = tmp_path / "train.txt"
    listed.write_text("".join(f"videos/{path.name} 0\n" for path in files))
    files, lists = gather([listed])
    found = run(files, lists, workers=0)
    bad = {check.path for check in found.checks if check.problem}
    assert {path.name for path in bad} == {"4.mp4"}
    out = tmp_path / "out"
    out.mkdir()
    for _ in range(2):  # over its own files
        write(found, out, lists, bad)
    kept = [f"videos/{n}.mp4 0" for n in range(4)]
    assert (out / "clean.txt").read_text().splitlines() == kept
    with (out / "files.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["frames"]) for row in rows] == [10, 11, 12, 13, 0]
    assert [bool(row["error"]) for row in rows] == [False] * 4 + [True]
    assert (out / "files.png").read_bytes()[:4] == b"\x89PNG"
    (out / "clean.txt").write_text("mine")
    with pytest.raises(ForeignFile, match=r"clean\.txt"):
        write(found, out, lists, bad)
    twins = [lists[0], lists[0]._replace(path=tmp_path / "b" / "train.txt")]
    with pytest.raises(ValueError, match="another list has this name"):
        write(found, out, twins, bad)
