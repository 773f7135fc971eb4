"""What a list says is what the strict reader reads."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from mmstconv.apis.init.lists import list_text, listed_name, name_problem, printable
from mmstconv.datasets.annotation import read_rows, row_problems

LETTERS = st.characters(exclude_characters="/\0", exclude_categories=["Cs"])
NAMES = st.text(LETTERS, min_size=1, max_size=12).map(lambda stem: f"{stem}.mp4")
ROWS = st.tuples(NAMES, st.lists(st.integers(0, 9), max_size=3))


@given(st.lists(ROWS, min_size=1, max_size=5, unique_by=lambda row: row[0]))
def test_any_name(tmp_path_factory, rows):
    """Also with blanks before it, what looks like a mark of UTF-8, or like a label."""
    rows = [row for row in rows if name_problem(row[0]) is None]
    path = tmp_path_factory.getbasetemp() / "list.txt"
    if not rows:
        return
    for multi in (True, False):
        labels = [of if multi else [1] for _, of in rows]
        names = [name for name, _ in rows]
        path.write_bytes(list_text(zip(names, labels, strict=True)).encode())
        found = read_rows(str(path), multi_class=multi)
        assert [row.name.removeprefix("./") for row in found] == names
        assert [[*map(int, row.labels)] for row in found] == labels
        assert not row_problems(found, 10, "videos", multi)


def test_names_that_no_list_can_carry():
    assert "line break" in name_problem("a\nb.mp4")
    assert "line break" in name_problem("a\rb.mp4")
    assert "not UTF-8" in name_problem("\udce9.mp4")
    assert printable("a\nb\udce9 \u00e9") == "a\\nb\\udce9 \u00e9"


def test_files_outside_of_the_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert listed_name(Path("data/v/a.mp4"), Path("data/v")) == "a.mp4"
    assert listed_name(tmp_path / "data/v/a/..b.mp4", Path("data/v")) == "a/..b.mp4"
    assert listed_name(Path("w/a.mp4"), Path("data/v")) == f"{tmp_path}/w/a.mp4"
