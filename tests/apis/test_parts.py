"""Parts: what is in them, what a later run takes from them and what it refuses."""

from __future__ import annotations

import os
import signal

import pytest

from mmstconv.apis.parts import Item, Parts, chunk_size, run_parts
from mmstconv.disk import FolderInUse, FolderLock, ForeignFile

parquet = pytest.importorskip("pyarrow.parquet")
KEY = dict(command="test", top=3)


def test_rows_are_read_as_they_were_written(tmp_path):
    odd = [os.fsdecode(b"caf\xe9.mp4"), "a\nb.mp4", "日本.mp4"]
    rows = [
        dict(path=odd[0], stamp=[1, 2], score=0.1 + 0.2, classes=[dict(name="run")]),
        dict(path=odd[1], stamp=None, error="no film"),
        dict(path=odd[2], stamp=[3, 4], score=1, classes=[], yes=True),
    ]
    path = tmp_path / "part-00000-of-00001.parquet"
    Parts(tmp_path, KEY).write(path, rows)
    again = Parts(tmp_path, KEY)
    assert again.rows == {path: rows}
    assert {name for name, _ in again.known()} == {odd[0], odd[2]}  # errors are not
    table = parquet.read_table(path).to_pydict()
    assert table["path"] == ["caf\\udce9.mp4", *odd[1:]]
    assert table["error"] == [None, "no film", None]
    assert table["score"] == [0.1 + 0.2, None, 1.0] and table["yes"] == [
        None,
        None,
        True,
    ]


def test_parts_of_others_are_refused(tmp_path):
    path = tmp_path / "part-00000-of-00001.parquet"
    Parts(tmp_path, KEY).write(path, [dict(path="a", stamp=None)])
    with pytest.raises(ForeignFile, match="these weights and options"):
        Parts(tmp_path, dict(KEY, top=1))
    path.write_bytes(b"the user's")
    with pytest.raises(ForeignFile, match="part-00000"):
        Parts(tmp_path, KEY)
    assert path.read_bytes() == b"the user's"


def test_chunks_are_many_and_not_too_large():
    for files in (1, 7, 99, 100, 5000, 10**4, 10**6):
        size = chunk_size(files)
        assert 1 <= size <= 256 and (files < 100 or files / size >= 100)


@pytest.mark.slow
def test_only_what_is_missing_is_worked_on(tmp_path):
    pytest.importorskip("ray", reason="Ray is not installed (requirements/ray.txt)")
    notes, folder = tmp_path / "notes", tmp_path / "parts"
    notes.mkdir()

    def start():
        def work(items):
            for item in items:
                with open(notes / item.path, "a") as note:
                    note.write("x")
                if item.more == "deadly":
                    os.kill(os.getpid(), signal.SIGKILL)
            return [
                dict(error="bad") if item.more == "bad" else dict(name=item.path)
                for item in items
            ]

        return work

    def run(names, size, more=(), stamps=()):
        more, stamps = dict(more), dict(stamps)
        items = [Item(n, [stamps.get(n, 1)], more.get(n)) for n in names]
        rows = list(run_parts(folder, KEY, items, start, size=size, actors=2))
        assert sorted(row["path"] for row in rows) == sorted(names)
        done = {path.name: len(path.read_text()) for path in notes.iterdir()}
        for path in notes.iterdir():
            path.unlink()
        return {row["path"]: row.get("error") for row in rows}, done

    fine = dict.fromkeys("abcdef")
    assert run("abcdef", 2) == (fine, dict.fromkeys("abcdef", 1))
    first = {path: path.stat().st_mtime_ns for path in folder.glob("*.parquet")}
    assert run("abcdef", 2) == (fine, {})
    assert {p: p.stat().st_mtime_ns for p in folder.glob("*.parquet")} == first
    (folder / "part-00001-of-00003.parquet").unlink()
    assert run("abcdef", 2) == (fine, {"c": 1, "d": 1})
    # one more, in the middle: the others are known, by other parts
    assert run("abgcdef", 3) == (fine | {"g": None}, {"g": 1})
    assert len(list(folder.glob("*.parquet"))) == 3
    assert not list(folder.glob("*-of-00002.parquet"))
    # one that has changed, one that is bad and is tried again
    assert run("abgcdef", 3, stamps={"a": 2})[1] == {"a": 1}
    bad = dict(more={"b": "bad"}, stamps={"a": 2, "b": 2})
    assert run("abgcdef", 3, **bad) == (fine | {"g": None, "b": "bad"}, {"b": 1})
    assert run("abgcdef", 3, **bad)[1] == {"b": 1}
    # one that every process dies of: three with its chunk, three alone
    found, done = run("abxyz", 5, more={"x": "deadly"}, stamps={"a": 2})
    assert "has died" in found.pop("x") and not any(found.values())
    assert done == {"b": 3 + 1, "x": 3 + 3, "y": 1, "z": 1}


def test_two_runs_do_not_share_parts(tmp_path):
    lock = FolderLock(tmp_path, "a run", "Wait")
    pid = os.fork()
    if pid == 0:
        try:
            next(run_parts(tmp_path, KEY, [Item("a", [1])], None))
        except FolderInUse:
            os._exit(7)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
    lock.release()
