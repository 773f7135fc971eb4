"""A disk that is full takes a part of what is written, and then says so, not where."""

from __future__ import annotations

import resource
from contextlib import contextmanager

import pytest

from mmstconv.disk import (
    is_own,
    journal_lines,
    only_writer,
    own_file,
    own_folder,
    write_own,
)
from mmstconv.disk.own import RECORD


@contextmanager
def full_from(size: int):
    """No file may grow beyond so many bytes: the kernel acts as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_line_of_a_journal_is_whole_or_an_error(tmp_path):
    path = tmp_path / "lines.jsonl"
    with only_writer(path) as file:
        with full_from(10), pytest.raises(OSError, match=r"lines\.jsonl"):
            file.write(b"[1]\n")
            file.write(b"[22222222]\n")  # of which the disk takes six bytes
    with only_writer(path) as file:
        file.write(b"[3]\n")
    assert journal_lines(path) == [[1], [3]]


def test_what_the_record_cannot_hold_is_not_written(tmp_path):
    path = tmp_path / "a.txt"
    with full_from(30), pytest.raises(OSError, match=RECORD):
        write_own(path, "text")  # the record's line is longer than its text
    assert [one.name for one in tmp_path.iterdir()] == [RECORD]
    write_own(path, "text")
    assert is_own(path)


def test_the_message_says_where(tmp_path):
    with full_from(10), pytest.raises(OSError, match="folder"):
        with own_folder(tmp_path / "folder", tmp_path) as part:
            (part / "1").write_bytes(b"x" * 100)
    with full_from(10), pytest.raises(OSError, match="file"):
        with own_file(tmp_path / "file") as part:
            part.write_bytes(b"x" * 100)
    assert list(tmp_path.iterdir()) == []
