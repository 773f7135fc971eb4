"""Which files exist: the same as when each is asked for."""

from __future__ import annotations

import os

import pytest

from mmstconv.datasets import missing_files as listing
from mmstconv.datasets.missing_files import FEW, OTHERS, missing_files


def naive(paths):
    return {path for path in paths if not os.path.isfile(path)}


@pytest.fixture
def tree(tmp_path):
    for folder in ("many", "few", "crowd"):
        (tmp_path / folder).mkdir()
    for k in range(3 * FEW):
        (tmp_path / "many" / f"{k}.mp4").touch()
        os.symlink(f"{k}.mp4", tmp_path / "many" / f"link{k}.mp4")
        os.symlink(f"gone{k}.mp4", tmp_path / "many" / f"dangling{k}.mp4")
        (tmp_path / "many" / f"folder{k}.mp4").mkdir()
    for k in range(FEW // 2):
        (tmp_path / "few" / f"{k}.mp4").touch()
    for k in range(2 * (FEW + 1) * OTHERS):
        (tmp_path / "crowd" / f"{k:05}.mp4").touch()
    return tmp_path


def paths_below(folder):
    kinds = ("", "link", "dangling", "folder", "gone")
    return [f"{folder}/{kind}{k}.mp4" for k in range(3 * FEW) for kind in kinds]


def test_as_isfile_says(tree, monkeypatch):
    several = [
        *paths_below(f"{tree}/many"),
        *paths_below(f"{tree}/few/../many"),
        *paths_below(f"{tree}/many/"),
        *paths_below(f"{tree}/no_folder"),
        *paths_below(f"{tree}/many/0.mp4"),
        *paths_below(f"{tree}/few"),
        *(f"/{k}.mp4" for k in range(2 * FEW)),
        *(f"{tree}/crowd/{k:05}.mp4" for k in range(0, 2000, 200 // FEW)),
        *(f"{tree}/many\0/{k}" for k in range(2 * FEW)),
        "",
        f"{tree}/",
    ]
    expected = naive(several)
    assert missing_files(several) == expected
    assert 0 < len(expected) < len(several)
    monkeypatch.chdir(tree / "many")
    names = [os.path.basename(path) for path in paths_below("")]
    assert missing_files(names) == naive(names)
    assert missing_files(iter([])) == set()


def test_files_are_told_by_listing(tree, monkeypatch):
    asked = []
    real = os.path.isfile
    monkeypatch.setattr(
        listing.os.path, "isfile", lambda path: asked.append(path) or real(path)
    )
    there = [f"{tree}/many/{k}.mp4" for k in range(3 * FEW)]
    assert missing_files([*there, f"{tree}/many/gone.mp4"]) == {f"{tree}/many/gone.mp4"}
    assert asked == [f"{tree}/many/gone.mp4"]


def test_a_folder_that_cannot_be_listed(tree, monkeypatch):
    def refuse(path):
        raise PermissionError(path)

    paths = paths_below(f"{tree}/many")
    expected = naive(paths)
    monkeypatch.setattr(listing.os, "scandir", refuse)
    assert missing_files(paths) == expected
