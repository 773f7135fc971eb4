"""What holds for any annotation file."""

from __future__ import annotations

import os

from hypothesis import example, given
from hypothesis import strategies as st

from mmstconv.datasets import AnnotationError
from mmstconv.datasets.annotation import (
    LINE_END,
    _split,
    is_plain,
    path_problems,
    read_rows,
    row_problems,
)

# Hypothesis runs many examples in one test; each writes the same file anew.
DELIMITERS = st.sampled_from([" ", "\t", ",", ";"])
PARTS = st.sampled_from(["..", "/", "../", "a/", "./", "\ufeff", "a.mp4", " 1", "\r\n"])
LINES = st.lists(PARTS, max_size=9).map("".join) | st.text(
    st.characters(codec="utf-8"), max_size=60
)
NAMES = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Z"]), min_size=1
)


def rows_of(folder, content: bytes, delimiter: str = " ", multi_class: bool = False):
    path = folder / "list.txt"
    path.write_bytes(content)
    return read_rows(str(path), delimiter, multi_class)


@given(
    content=st.binary(max_size=300) | LINES.map(str.encode),
    delimiter=DELIMITERS,
    multi_class=st.booleans(),
    num_classes=st.none() | st.integers(1, 100),
)
@example(b"\xef\xbb\xbf", " ", False, None)
@example(b"a.mp4 0\0\r\n\r\nb.mp4", " ", False, 3)
def test_any_content(tmp_path_factory, content, delimiter, multi_class, num_classes):
    """Rows that can be used, or a list of problems with file and line."""
    folder = tmp_path_factory.getbasetemp()
    try:
        rows = rows_of(folder, content, delimiter, multi_class)
    except AnnotationError as error:
        assert all(str(folder) in problem for problem in error.problems)
        return
    problems = row_problems(rows, num_classes, str(folder))
    for row in rows:
        assert row.name.strip() == row.name != ""
        if row.number in problems:
            continue
        labels = [int(label) for label in row.labels]
        assert all(0 <= label < (num_classes or 10**18) for label in labels)
        inside = os.path.normpath(os.path.join(folder, row.name))
        assert os.path.commonpath([inside, folder]) == str(folder)


@given(name=NAMES, label=st.integers(0, 999))
def test_a_written_line_is_read_back(tmp_path_factory, name, label):
    """A byte order mark at the beginning of the file is not part of the name."""
    content = f"\ufeff{name}.mp4 {label}\r\n\n".encode()
    rows = rows_of(tmp_path_factory.getbasetemp(), content)
    assert rows == [(1, f"{name}.mp4", [str(label)])]


@given(
    lines=st.lists(LINES | st.sampled_from(["a 1", "a .mp4", "b\t7", "a \xb2"])),
    multi_class=st.booleans(),
)
def test_quick_lines_are_read_as_others(tmp_path_factory, lines, multi_class):
    content = "\n".join(["a.mp4 0", *lines])
    folder = tmp_path_factory.getbasetemp()
    expected = [
        (number, *_split(line.strip(), None, multi_class))
        for number, line in enumerate(LINE_END.split(content), 1)
        if line.strip()
    ]
    assert rows_of(folder, content.encode(), multi_class=multi_class) == expected


@given(
    name=LINES.map(str.strip).filter(bool) | st.sampled_from(["a\0", "/a", "..", "a:b"])
)
def test_plain_paths_have_no_problem(name):
    if is_plain(name):
        assert path_problems(name, "/root/folder") == []
        assert os.path.join("/root/folder", name) == "/root/folder/" + name
