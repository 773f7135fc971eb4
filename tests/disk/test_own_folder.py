"""Folders that are written whole, and whose they are."""

from __future__ import annotations

import os

import pytest

from mmstconv.disk import ForeignFile, is_own_folder, own_folder


def fill(folder, record, count=3):
    with own_folder(folder, record) as part:
        for number in range(count):
            (part / str(number)).write_text("x" * number)


def test_whole_or_not_at_all(tmp_path):
    folder = tmp_path / "a" / "b"
    with pytest.raises(ZeroDivisionError), own_folder(folder, tmp_path) as part:
        (part / "0").touch()
        raise ZeroDivisionError
    assert os.listdir(tmp_path / "a") == []
    fill(folder, tmp_path)
    fill(folder, tmp_path, 5)
    assert len(os.listdir(folder)) == 5 and is_own_folder(folder, tmp_path)


def test_what_was_changed_is_the_users(tmp_path):
    def changed(folder, how):
        fill(folder, tmp_path)
        how(folder)
        assert not is_own_folder(folder, tmp_path)
        before = sorted(os.listdir(folder))
        with pytest.raises(ForeignFile, match="was not written by this tool"):
            fill(folder, tmp_path)
        assert sorted(os.listdir(folder)) == before

    changed(tmp_path / "a", lambda folder: (folder / "more").touch())
    changed(tmp_path / "b", lambda folder: (folder / "1").unlink())
    changed(tmp_path / "c", lambda folder: (folder / "1").write_text("y"))
    (tmp_path / "d").symlink_to(tmp_path / "a")
    with pytest.raises(ForeignFile):
        fill(tmp_path / "d", tmp_path)
    assert not is_own_folder(tmp_path / "nowhere", tmp_path)


def test_what_appears_while_it_is_written_stays(tmp_path):
    folder = tmp_path / "a"
    with pytest.raises(ForeignFile), own_folder(folder, tmp_path):
        folder.mkdir()
        (folder / "mine").touch()
    assert os.listdir(folder) == ["mine"]
