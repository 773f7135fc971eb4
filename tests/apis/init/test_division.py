"""Splits that a data set states, what leaks across them, and several classes a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from mmstconv.apis.check import FileCheck, Sound
from mmstconv.apis.init import findings
from mmstconv.apis.init.division import divided
from mmstconv.apis.init.items import Item, items_of
from mmstconv.datasets.official import Layout, Sample

CLASSES = ["run", "swim"]


def item(name, label=0, official=None, digest=None, sound=None, **kwargs):
    labels = label if isinstance(label, tuple) else (label,)
    check = FileCheck(Path(name), codec="h264", digest=digest, sound=sound)
    return Item(name, labels, check, official, **kwargs)


def official(*splits, parts=2):
    """Three films of each class and split, in parts."""
    return [
        item(f"{name}/{split}{film}_part{part}.mp4", label, split)
        for split in splits
        for label, name in enumerate(CLASSES)
        for film in "abc"
        for part in range(parts)
    ]


def test_as_the_data_set_says():
    items = official("train", "val", "test")
    found = divided(items, CLASSES, None)
    assert found.given and found.how == "as the data set says"
    assert [one.split for one in found.items] == [one.official for one in items]
    assert not list(findings.say_leaks(found.items))


def test_validation_comes_out_of_train_not_of_test():
    found = divided(official("train", "test"), CLASSES, None)
    splits = {one.name: one.split for one in found.items}
    assert {"train", "val", "test"} == {*splits.values()}
    for name, split in splits.items():
        assert (split == "test") == ("test" in name)
        assert split == splits[name.replace("part1", "part0")]
    assert "val out of train by source" in found.how


def test_a_list_of_train_alone_is_split():
    for split in ("train", None):
        found = divided(official(split), CLASSES, None)
        assert not found.given
        assert {"train", "val", "test"} == {one.split for one in found.items}


def test_leaks_of_the_given_split():
    """By name, and by content."""
    items = official("train", "val")
    items += [item("run/traina_part7.mp4", 0, "val")]
    items += [item("swim/x.mp4", 1, "val", digest="1")]
    items += [item("swim/y.mp4", 1, "train", digest="1")]
    found = divided(items, CLASSES, None)
    (said, *lines) = findings.say_leaks(found.items)
    assert said.startswith("warning: 2 sources are on several sides")
    assert "  run/traina_part0.mp4 (train) and run/traina_part7.mp4 (val)" in lines
    assert "  swim/x.mp4 (val) and swim/y.mp4 (train)" in lines


def test_one_file_a_class():
    with pytest.raises(ValueError, match="none can be kept to validate on"):
        divided([item("run/a.mp4"), item("swim/b.mp4", 1)], CLASSES, None)
    copies = [item(f"run/{name}.mp4", digest="same") for name in "abc"]
    with pytest.raises(ValueError, match=r"; 3 of 4 files hold films that others hold"):
        divided([*copies, item("swim/b.mp4", 1)], CLASSES, None)


def test_classes_that_a_list_lacks():
    items = [item(f"run/{name}.mp4") for name in "abcdef"] + [item("swim/x.mp4", 1)]
    found = divided(items, CLASSES, None)
    lines = list(findings.say_classes(found.items, [*CLASSES, "fly"]))
    assert lines[1:] == [
        "  swim (1 source): not in val, test",
        "  fly (0 sources): not in train, val, test",
    ]


def test_several_classes_a_file():
    """Files without any are spread as well; presence is not compared with classes."""
    labels = [(), (0,), (1,), (0, 1)]
    sound = Sound(1, 16000, "aac")
    items = [
        item(f"{x}{k}.mp4", of, sound=sound if of else None)
        for k, of in enumerate(labels)
        for x in "abcdefgh"
    ]
    found = divided(items, CLASSES, None)
    for split in ("train", "val", "test"):
        assert {of for one in found.items if one.split == split for of in one.labels}
        assert any(not one.labels for one in found.items if one.split == split)
    said = list(findings.say_sound(found.items, CLASSES))
    assert said == ["sound: 8 of 32 files have none, 0 have a silent track"]


def test_what_cannot_be_listed():
    def sample(name, labels, split="train"):
        return Sample(Path("data", name), labels, split, None, None)

    samples = [
        sample("a.mp4", (0,)),
        sample("a.mp4", (0,)),
        sample("a.mp4", (1,)),
        sample("b.mp4", ()),
        sample("c.mp4", (1,), None),
        sample("d.mp4", (1,), "val"),
    ]
    checks = [FileCheck(one.path) for one in samples[:-1]]
    checks.append(FileCheck(Path("data/d.mp4"), "is no video"))
    layout = Layout("some", samples, CLASSES, False)
    items, left_out = items_of(layout, Path("data"), checks)
    assert [one.name for one in items] == ["a.mp4"]
    assert [(one.name, one.reason) for one in left_out] == [
        ("a.mp4", "is listed twice"),
        ("a.mp4", "is listed with other classes already"),
        ("b.mp4", "nothing says of which class it is"),
        ("c.mp4", "the lists of the data set do not name it"),
        ("d.mp4", "is no video"),
    ]
    several = Layout("some", samples, CLASSES, True)
    items, _ = items_of(several, Path("data"), checks)
    assert [one.name for one in items] == ["a.mp4", "b.mp4"]


def test_parts_of_files():
    """A file stays in one list, whatever its parts are called."""
    items = [
        item(f"{x}.mp4", k % 2, segment=(10.0 * k, 10.0 * k + 5), group=f"{x}{k}")
        for x in "abcdefgh"
        for k in range(3)
    ]
    found = divided(items, CLASSES, None)
    for name in {one.name for one in items}:
        assert len({one.split for one in found.items if one.name == name}) == 1
    assert found.items[1].part == "a.mp4 10.000 15.000"
