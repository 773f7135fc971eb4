"""Annotation files: what is accepted, and how mistakes are reported."""

from __future__ import annotations

import gc
import pickle

import numpy as np
import pytest
from mmaction.registry import DATASETS
from mmaction.utils import register_all_modules
from mmengine.dataset import BaseDataset

from mmstconv.datasets import AnnotationError, MultiModalVideoDataset

register_all_modules(init_default_scope=True)

NAMES = ("a.mp4", "b.mp4", "c d.mp4")


@pytest.fixture
def folder(tmp_path):
    for name in NAMES:
        (tmp_path / name).write_bytes(b"\0")
    return tmp_path


def dataset(folder, content, **kwargs):
    path = folder / "list.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    kwargs.setdefault("data_prefix", dict(video=str(folder)))
    kwargs.setdefault("pipeline", [])
    return MultiModalVideoDataset(str(path), **kwargs)


def rows(data):
    found = [data.get_data_info(index) for index in range(len(data))]
    return [(info["filename"].rsplit("/", 1)[-1], info["label"]) for info in found]


@pytest.mark.parametrize(
    "content",
    [
        "a.mp4 0\nb.mp4 2\nc d.mp4 1\n",
        "a.mp4 0\r\nb.mp4 2\r\n\r\nc d.mp4 1",
        "\ufeffa.mp4 0\nb.mp4 2\nc d.mp4 1\n\n\n",
        "a.mp4\t0\n  b.mp4  2 \nc d.mp4 \t 1\n",
    ],
    ids=["plain", "windows", "byte order mark", "tabs"],
)
def test_accepted(folder, content):
    data = dataset(folder, content, num_classes=3)
    assert rows(data) == [("a.mp4", 0), ("b.mp4", 2), ("c d.mp4", 1)]
    info = data.get_data_info(0)
    assert info["start_index"] == 0
    assert info["modality"] == "RGB"
    assert info["filename"] == str(folder / "a.mp4")


def test_same_as_mmaction2(folder):
    content = "a.mp4 0\nb.mp4 2\n"
    ours = dataset(folder, content)
    theirs = DATASETS.build(
        dict(
            type="VideoDataset",
            ann_file=str(folder / "list.txt"),
            data_prefix=dict(video=str(folder)),
            pipeline=[],
        )
    )
    assert [ours.get_data_info(i) for i in range(2)] == [
        theirs.get_data_info(i) for i in range(2)
    ]


def test_the_list_is_one_buffer_as_mmengine_makes_it(folder):
    """So that loader processes share it; its subsets too."""
    content = "a.mp4 0\nb.mp4 2\nc d.mp4 1\n"
    ours = dataset(folder, content)
    assert ours.data_list == [] and gc.isenabled()
    items = [dict(filename=str(folder / n), label=k) for n, k in zip(NAMES, (0, 2, 1))]
    ours.data_list = [dict(item) for item in items]
    for found, expected in zip(
        (ours.data_bytes, ours.data_address), BaseDataset._serialize_data(ours)
    ):
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)
    assert rows(ours.get_subset([2, 0])) == [("c d.mp4", 1), ("a.mp4", 0)]
    kept = dataset(folder, content, serialize_data=False, indices=2)
    assert rows(kept) == [("a.mp4", 0), ("b.mp4", 2)]


def test_without_labels(folder):
    data = dataset(folder, "a.mp4\nc d.mp4\n", test_mode=True)
    assert rows(data) == [("a.mp4", -1), ("c d.mp4", -1)]


def test_other_delimiter(folder):
    data = dataset(folder, "a.mp4,0\nc d.mp4, 1\n", delimiter=",")
    assert rows(data) == [("a.mp4", 0), ("c d.mp4", 1)]


def test_several_labels(folder):
    data = dataset(folder, "a.mp4 0 2\nc d.mp4 1\n", multi_class=True, num_classes=3)
    assert data.get_data_info(0)["label"].tolist() == [1, 0, 1]
    assert data.get_data_info(1)["label"].tolist() == [0, 1, 0]
    with pytest.raises(AnnotationError, match="label 3 is outside the 3 classes"):
        dataset(folder, "a.mp4 0 3\n", multi_class=True, num_classes=3)


def test_repeated_line_is_fine(folder):
    assert len(dataset(folder, "a.mp4 0\na.mp4 0\n")) == 2


def test_all_mistakes_at_once(folder):
    content = "a.mp4 0\nb.mp4\n\nb.mp4 two\nb.mp4 -1\nb.mp4 1.5\nc d.mp4 7\n"
    content += "a.mp4 1\nb.mp4 1\n"
    with pytest.raises(AnnotationError) as caught:
        dataset(folder, content, num_classes=3)
    where = f"{folder / 'list.txt'}:"
    text = str(caught.value)
    for line in (
        "2: has no label, but other lines have one",
        "4: label 'two' is not an integer",
        "5: label -1 is negative",
        "6: label '1.5' is not an integer",
        "7: label 7 is outside the 3 classes (0 to 2)",
        "8: 'a.mp4' has another label in line 1",
    ):
        assert where + line in text
    assert where + "1:" not in text
    assert pickle.loads(pickle.dumps(caught.value)).problems == caught.value.problems


@pytest.mark.parametrize("content", [b"", b"\n \r\n\n"])
def test_empty(folder, content):
    with pytest.raises(AnnotationError, match=r"list\.txt: names no video"):
        dataset(folder, content)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00 0\n", "ä.mp4 0\n".encode("latin1")])
def test_not_text(folder, content):
    with pytest.raises(AnnotationError, match=r"list\.txt: is not UTF-8 text"):
        dataset(folder, content)


def test_a_name_may_hold_any_letter(folder):
    for name in ("ä b.mp4", "line\u2028end.mp4", "next\x85line.mp4", "#1.mp4"):
        (folder / name).write_bytes(b"")
        assert rows(dataset(folder, f"{name} 0\n")) == [(name, 0)]


def test_odd_lines(folder):
    """Each named by its number, none printed whole."""
    content = "a.mp4 0\nb\0.mp4 0\n" + "x" * 1_000_000 + ".mp4 0\nb.mp4 " + "9" * 5000
    content += "\nb.mp4 \x1b[31m\n"
    with pytest.raises(AnnotationError) as caught:
        dataset(folder, content)
    text = str(caught.value)
    assert "list.txt:2: contains a NUL byte" in text
    assert "list.txt:4: label '999" in text and "list.txt:5: label '\\x1b" in text
    assert "list.txt:3: " in text and "does not exist" in text  # of the same error
    assert len(text) < 3000 and "\x1b" not in text


def test_some_without_labels(folder):
    with pytest.raises(AnnotationError, match=r":2: has no label, but other") as caught:
        dataset(folder, "a.mp4 0\nb.mp4\nc d.mp4 1\n")
    assert len(caught.value.problems) == 1


@pytest.mark.parametrize(
    "name", ["../a.mp4", "sub/../../a.mp4", "/etc/passwd.mp4", "..", "./../x/a.mp4"]
)
def test_paths_stay_below_their_folder(folder, name):
    videos = folder / "videos"
    (videos / "sub").mkdir(parents=True)
    (videos / "a.mp4").write_bytes(b"")
    with pytest.raises(
        AnnotationError, match=r"list\.txt:2: .* lies outside of"
    ) as caught:
        dataset(folder, f"a.mp4 0\n{name} 0\n", data_prefix=dict(video=str(videos)))
    assert "allow_outside=True" in str(caught.value)


@pytest.mark.parametrize(
    "name", ["./a.mp4", "sub/../a.mp4", "{folder}/a.mp4", "..a.mp4"]
)
def test_paths_that_stay(folder, name):
    (folder / "sub").mkdir()
    (folder / "..a.mp4").write_bytes(b"")
    data = dataset(folder, name.format(folder=folder) + " 0\n")
    assert rows(data)[0][0].endswith("a.mp4")


def test_paths_outside_if_allowed(folder):
    videos = folder / "videos"
    videos.mkdir()
    prefix = dict(video=str(videos))
    data = dataset(folder, "../a.mp4 0\n", data_prefix=prefix, allow_outside=True)
    assert rows(data) == [("a.mp4", 0)]
    absolute = f"{folder / 'a.mp4'} 0\n"
    assert rows(dataset(folder, absolute, data_prefix=dict(video=""))) == [("a.mp4", 0)]


def test_missing_annotation(folder):
    with pytest.raises(
        FileNotFoundError, match=r"annotation file not found: .*no\.txt"
    ):
        MultiModalVideoDataset(str(folder / "no.txt"), pipeline=[])


def test_missing_files(folder):
    lines = ["a.mp4 0"] + [f"gone{k}.mp4 0" for k in range(30)]
    with pytest.raises(FileNotFoundError) as caught:
        dataset(folder, "\n".join(lines))
    text = str(caught.value)
    assert "30 of 31 media files not found" in text
    assert f"list.txt:2: {folder / 'gone0.mp4'}" in text
    assert "and 10 more" in text
    assert len(dataset(folder, "\n".join(lines), check_files=False)) == 31


def test_missing_files_and_wrong_labels_are_one_error(folder):
    with pytest.raises(AnnotationError) as caught:
        dataset(folder, "a.mp4 0\ngone.mp4 0\nb.mp4 x\n")
    assert [line.split("list.txt:")[1] for line in caught.value.problems] == [
        "3: label 'x' is not an integer",
        f"2: {folder / 'gone.mp4'} does not exist",
    ]


def test_a_missing_folder_is_one_line(folder):
    lines = "\n".join(f"{k}.mp4 0" for k in range(1000))
    prefix = dict(video=str(folder / "no"))
    with pytest.raises(FileNotFoundError) as caught:
        dataset(folder, lines, data_prefix=prefix)
    head, line = str(caught.value).splitlines()
    assert head == "1000 of 1000 media files not found"
    assert line == f"{folder / 'list.txt'}: the folder {folder / 'no'} does not exist"
    with pytest.raises(
        AnnotationError, match=r"label 'x'.*\n.*the folder .*no does not"
    ):
        dataset(folder, lines + "\na.mp4 x", data_prefix=prefix)


def test_several_labels_need_their_number(folder):
    with pytest.raises(ValueError, match="multi_class=True needs num_classes"):
        dataset(folder, "a.mp4 0 1\n", multi_class=True)


def test_registered(folder):
    (folder / "list.txt").write_text("a.mp4 0\n")
    data = DATASETS.build(
        dict(
            type="MultiModalVideoDataset",
            ann_file="list.txt",
            data_root=str(folder),
            data_prefix=dict(video=""),
            pipeline=[],
        )
    )
    assert rows(data) == [("a.mp4", 0)]


def test_object_stores_are_refused_at_once(folder):
    """Not at the first sample; with file and line, whatever is checked."""
    for name in ("s3://bucket/a.mp4", "cluster:s3://b/a.mp4", "http://x/a.mp4"):
        for check in (True, False):
            content = f"a.mp4 0\n{name} 1\n"
            said = r"list\.txt:2: .*a\.mp4' is not on this machine: put dict"
            with pytest.raises(AnnotationError, match=said):
                dataset(folder, content, check_files=check)
    for prefix in ("s3://bucket/videos", "petrel://b", "https://x/videos"):
        said = r"list\.txt: data_prefix\['video'\] = .* is not on this machine"
        for options in (dict(), dict(check_files=False), dict(allow_outside=True)):
            options["data_prefix"] = dict(video=prefix)
            with pytest.raises(ValueError, match=said):
                dataset(folder, "a.mp4 0\n", **options)
    with pytest.raises(ValueError, match="is not on this machine"):
        MultiModalVideoDataset("s3://bucket/list.txt", pipeline=[])
    (folder / "a:b.mp4").write_bytes(b"\0")  # a name like another
    assert len(dataset(folder, "a:b.mp4 0\n")) == 1
