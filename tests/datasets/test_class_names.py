"""Class names: found beside the annotation or where the config says, read strictly."""

from __future__ import annotations

import pytest
import torch

from mmstconv.datasets import MultiModalVideoDataset
from mmstconv.datasets.class_names import (
    ClassNamesError,
    read_class_names,
    spelled_alike,
)

NAMES = ["Brush teeth", "Ärger, 5 $", "走る"]


def dataset(folder, annotation="a.mp4 0\nb.mp4 2\n", **kwargs):
    for name in "ab":
        (folder / f"{name}.mp4").touch()
    (folder / "list.txt").write_text(annotation)
    kwargs = dict(dict(num_classes=3), **kwargs)
    return MultiModalVideoDataset(
        ann_file=str(folder / "list.txt"),
        pipeline=[],
        data_prefix=dict(video=str(folder)),
        **kwargs,
    )


def test_where_names_come_from(tmp_path):
    assert "classes" not in dataset(tmp_path).metainfo
    file = tmp_path / "names.txt"
    file.write_text("\n".join(NAMES), encoding="utf-8")
    named = dict(metainfo=dict(classes=str(file), origin="own"))
    assert dataset(tmp_path, **named).metainfo == dict(classes=NAMES, origin="own")
    (tmp_path / "classes.txt").write_text("x\ny\nz\n")  # beside the annotation
    assert dataset(tmp_path).metainfo["classes"] == ["x", "y", "z"]
    for classes in (NAMES, tuple(NAMES), str(file)):  # what is said goes first
        found = dataset(tmp_path, metainfo=dict(classes=classes)).metainfo["classes"]
        assert found == NAMES


def test_forms_of_a_file(tmp_path):
    path = tmp_path / "classes.txt"
    text = "\n".join(NAMES)
    for name, content in dict(
        plain=text,
        mark="\ufeff" + text,
        windows=text.replace("\n", "\r\n") + "\r\n",
        blank_end=text + "\n\n \n",
        from_one="".join(f"{k} {name}\n" for k, name in enumerate(NAMES, 1)),
        from_zero="".join(f"{k}\t{name}\n" for k, name in enumerate(NAMES)),
    ).items():
        path.write_bytes(content.encode())
        assert read_class_names(str(path)) == NAMES, name
    path.write_text("2 hands\n3 hands\n1 hand\n")  # numbers that count nothing
    assert read_class_names(str(path)) == ["2 hands", "3 hands", "1 hand"]


def test_a_file_that_cannot_be_used_is_one_clear_error(tmp_path):
    path = tmp_path / "classes.txt"
    cases = [
        (b"x\ny\n", r"classes\.txt: 2 class names, but num_classes .* is 3"),
        (b"w\nx\ny\nz\n", r"4 class names, but num_classes .*list\.txt\) is 3"),
        (b"x\n\nz\n", r"classes\.txt:2: is blank"),
        (b"x\ny\nx\n", r"classes\.txt:3: 'x' is in line 1 already"),
        (b"x\ny\nx \n", r"classes\.txt:3: 'x' is in line 1 already"),
        (b"1 x\n2 y\n3 x\n", r"classes\.txt:3: 'x' is in line 1 already"),
        ("x\ny\nÄ\n".encode("latin-1"), r"classes\.txt: is not UTF-8 text"),
        ("x\ny\nz\n".encode("utf-16"), r"classes\.txt: is not UTF-8 text"),
        (b"x\n\0\nz\n", r"classes\.txt:2: contains a NUL byte"),
        (b"\n \n", r"classes\.txt: names no class"),
        (b"", r"classes\.txt: names no class"),
    ]
    for content, reason in cases:
        path.write_bytes(content)
        with pytest.raises(ClassNamesError, match=reason):
            dataset(tmp_path)
    path.unlink()
    for classes, reason in (
        (str(tmp_path / "none.txt"), r"no file .*none\.txt"),
        (str(tmp_path), "no file "),
        (["x", "y"], r"metainfo\['classes'\]: 2 class names"),
        (["x", "", "z"], "name 1 is blank"),
        (["x", "y", "x"], "'x' is there 2 times"),
    ):
        with pytest.raises(ClassNamesError, match=reason):
            dataset(tmp_path, metainfo=dict(classes=classes))


def test_several_labels_or_none(tmp_path):
    (tmp_path / "list.txt").touch()
    lines = "a.mp4 0 2\nb.mp4\n"
    data = dataset(tmp_path, lines, multi_class=True)
    assert torch.equal(data.get_data_info(0)["label"], torch.tensor([1.0, 0, 1]))
    assert torch.equal(data.get_data_info(1)["label"], torch.zeros(3))
    alone = dataset(tmp_path, "a.mp4\nb.mp4\n", multi_class=True)  # none at all
    assert not alone.get_data_info(0)["label"].any()  # was the last class
    with pytest.raises(ValueError, match=r"list\.txt:2: has no label, but other"):
        dataset(tmp_path, "a.mp4 0\nb.mp4\n")


def test_classes_that_are_written_in_several_ways():
    names = ["Café 1", "cafe\u0301_1", "run", "walk", "Run", "-", "_", "C", "C++"]
    assert spelled_alike(names) == [["Café 1", "cafe\u0301_1"], ["run", "Run"]]
    assert spelled_alike(names[2:4]) == []
