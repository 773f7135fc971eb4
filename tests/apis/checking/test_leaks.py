"""Lists of files, and what two lists share."""

from __future__ import annotations

from pathlib import Path

import pytest

from mmstconv.apis.checking.duplicates import Duplicates
from mmstconv.apis.checking.leaks import find_leaks
from mmstconv.apis.checking.lists import gather, read_list
from mmstconv.datasets.annotation import AnnotationError


def write(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_list_keeps_its_lines(tmp_path):
    lines = ("my clip.mp4 3", "", "b.mp4 0", "c.mp4 1")
    one = read_list(write(tmp_path / "train.txt", *lines))
    assert [(f.path.name, f.labels) for f in one.files] == [
        ("my clip.mp4", (3,)),
        ("b.mp4", (0,)),
        ("c.mp4", (1,)),
    ]
    assert one.without({tmp_path / "b.mp4"}) == "my clip.mp4 3\n\nc.mp4 1\n"
    assert one.without(set()) == one.path.read_text()


def test_where_the_names_of_a_list_lie(tmp_path, monkeypatch):
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos" / "a.mp4").touch()
    write(tmp_path / "lists" / "all.txt", "a.mp4 0")
    write(tmp_path / "videos" / "all.txt", "a.mp4 0")

    def first(name: str, root=None) -> Path:
        return read_list(Path(name), root).files[0].path

    monkeypatch.chdir(tmp_path)
    assert first("videos/all.txt") == Path("videos/a.mp4")
    assert first("lists/all.txt") == Path("lists/a.mp4")  # named as missing
    assert first("lists/all.txt", Path("videos")) == Path("videos/a.mp4")
    monkeypatch.chdir("videos")
    assert first("../lists/all.txt") == Path("a.mp4")


def test_files_of_all_arguments_once(tmp_path):
    for name in ("b.mp4", "A.MP4", ".hidden.mp4", "notes.txt.bak", "sub/c.webm"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    listed = write(tmp_path / "list.txt", "b.mp4 1", "gone.mp4 1")
    files, lists = gather([tmp_path, tmp_path / "b.mp4", listed])
    names = [path.relative_to(tmp_path).as_posix() for path in files]
    assert names == ["A.MP4", "b.mp4", "gone.mp4", "sub/c.webm"]
    assert [one.path for one in lists] == [listed]


def test_mistakes_of_arguments(tmp_path):
    one = write(tmp_path / "one.txt", "a.mp4 0", "b.mp4 x")
    two = write(tmp_path / "two.txt", "a.mp4 0", "c.mp4 0.5")
    with pytest.raises(AnnotationError) as error:
        gather([one, two])
    assert [p.split(": ")[0] for p in error.value.problems] == [f"{one}:2", f"{two}:2"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="empty holds no video"):
        gather([tmp_path / "empty"])
    with pytest.raises(ValueError, match=r"x\.csv is no list"):
        gather([tmp_path / "x.csv"])
    with pytest.raises(FileNotFoundError, match="no file or folder"):
        gather([tmp_path / "no.mp4"])


def test_what_lists_share(tmp_path):
    (tmp_path / "x.mp4").touch()
    (tmp_path / "y.mp4").symlink_to("x.mp4")
    train = read_list(write(tmp_path / "t.txt", "x.mp4 0", "c.mp4 0", "p.mp4 0"))
    val = read_list(write(tmp_path / "v.txt", "y.mp4 0", "d.mp4 0", "q.mp4 0"))
    other = read_list(write(tmp_path / "o.txt", "z.mp4 0"))
    groups = [
        Duplicates((tmp_path / "c.mp4", tmp_path / "d.mp4"), True),
        Duplicates((tmp_path / "p.mp4", tmp_path / "q.mp4"), False),
        Duplicates((tmp_path / "z.mp4", tmp_path / "w.mp4"), True),
    ]
    found = find_leaks([train, val, other], groups)
    assert [(leak.what, *(path.name for path in leak.paths)) for leak in found] == [
        ("file", "x.mp4", "y.mp4"),
        ("content", "c.mp4", "d.mp4"),
        ("pictures", "p.mp4", "q.mp4"),
    ]
    assert find_leaks([train], groups) == []


def test_sources_that_lists_share(tmp_path):
    """UCF101's names: group 8 is split over both lists."""

    def clips(*groups: int) -> list[str]:
        return [
            f"{name}/v_{name}_g{group:02}_c{clip:02}.avi {label}"
            for label, name in enumerate(("Archery", "Diving"))
            for group in groups
            for clip in (1, 2, 3)
        ]

    train = read_list(write(tmp_path / "t.txt", *clips(9, 10, 11, 12), *clips(8)[:1]))
    val = read_list(write(tmp_path / "v.txt", *clips(13, 14), *clips(8)[1:2]))
    (leak,) = find_leaks([train, val], [])
    assert leak.what == "source"
    assert {path.name for path in leak.paths} == {
        "v_Archery_g08_c01.avi",
        "v_Archery_g08_c02.avi",
    }
