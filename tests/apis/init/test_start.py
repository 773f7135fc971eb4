"""A folder as strangers have it: what init makes and says of it, and leaves alone."""

from __future__ import annotations

import csv
import errno
import os
import shutil
import sys
from collections import Counter

import pytest
from conftest import ROOT
from mmaction.registry import DATASETS
from mmengine.config import Config

sys.path.append(str(ROOT / "tests"))
from helpers_folders import contents, write_clip

from mmstconv.apis.checking import run as checking
from mmstconv.apis.init import init_folder, items, start
from mmstconv.apis.init import recipe as recipes
from mmstconv.apis.init.lists import printable
from mmstconv.datasets.official import Layout, Sample
from mmstconv.disk import ForeignFile
from mmstconv.engine.configs import read_config

CLASSES = ("jump", "run", "swim")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Five films of each class, two parts of each, and what else lies about."""
    folder = tmp_path_factory.mktemp("user") / "my videos"
    seed = 0
    for name in CLASSES:
        for film in "abcde":
            for part in (1, 2):
                seed += 1
                suffix = ".MP4" if film == "e" else ".mp4"
                path = folder / name / f"{name} {film}_part{part}{suffix}"
                write_clip(path, seed, sound=name != "swim", silent=seed == 1)
    write_clip(folder / "run/.hidden.mp4", 99)
    write_clip(folder / "alone.mp4", 98)
    (folder / "run/broken.mkv").write_bytes(b"no video")
    (folder / "run/empty.mp4").touch()
    (folder / "run/notes.txt").write_text("not a video")
    (folder / "run/gone.mp4").symlink_to("nowhere.mp4")
    (folder / "run/line\nbreak.mp4").symlink_to(folder / "run/run a_part1.mp4")
    os.symlink(
        folder / "run/run b_part1.mp4", os.fsencode(folder / "run") + b"/\xe9.avi"
    )
    shutil.copy(folder / "run/run c_part1.mp4", folder / "jump/copy of it.mp4")
    return folder


@pytest.fixture(scope="module")
def made(folder, tmp_path_factory):
    """What init says and writes."""
    before, said = contents(folder), []
    out = tmp_path_factory.mktemp("out") / "new"
    started = init_folder(folder, out, workers=0, say=said.append)
    assert contents(folder) == before
    return started, out, "\n".join(said)


def rows(path):
    lines = path.read_text().splitlines()
    return {line.rpartition(" ")[0]: int(line.rpartition(" ")[2]) for line in lines}


def test_lists(folder, made):
    """Films stay whole, each class is everywhere, and the data sets read the lists."""
    started, out, _ = made
    lists = {split: rows(out / f"{split}.txt") for split in ("train", "val", "test")}
    assert {split: len(of) for split, of in lists.items()} == started.counts
    names = [name for of in lists.values() for name in of]
    assert len(names) == len(set(names)) == 31
    cfg = read_config(str(started.config))
    for split, of in lists.items():
        assert {*of.values()} == {0, 1, 2}, split
        films = {name.partition("_part")[0] for name in of}
        others = {n.partition("_part")[0] for n in names if n not in of}
        assert not films & others
        options = cfg[f"{split}_dataloader"].dataset
        data = DATASETS.build(dict(options, pipeline=[], num_classes=3))
        found = [data.get_data_info(k) for k in range(len(data))]
        assert {one["filename"]: one["label"] for one in found} == {
            str(folder / name): label for name, label in of.items()
        }
        assert data.metainfo["classes"] == list(CLASSES)
    # the copy in another class is on the side of what it is a copy of
    of_both = [
        s for s, of in lists.items() for n in of if "copy of" in n or "run c" in n
    ]
    assert len(of_both) == 3 and len(set(of_both)) == 1


def test_what_is_said(made):
    started, _, said = made
    left_out = {one.name: one.reason for one in started.left_out}
    assert {*left_out} == {
        *("run/broken.mkv", "run/empty.mp4", "run/gone.mp4"),
        *("run/line\nbreak.mp4", "run/\udce9.avi", "alone.mp4"),
    }
    for name, reason in left_out.items():
        assert f"  {printable(name)}: {reason}" in said
    assert "line break" in left_out["run/line\nbreak.mp4"]
    assert "not UTF-8" in left_out["run/\udce9.avi"]
    assert "6 files are left out:" in said
    assert "10 of 31 files have none, 1 have a silent track" in said
    assert "swim: 10 of 10 without" in said and "jump: 1 of 11 without" in said
    assert "whether a file has sound gives classes away" in said
    assert "as told by names (jump/jump a_part1.mp4 and jump/jump a_part2.mp4" in said
    assert "one film in different classes" in said
    assert "jump/copy of it.mp4 (jump) = run/run c_part1.mp4 (run)" in said


def test_table(made):
    started, out, _ = made
    with (out / "files.csv").open(errors="surrogateescape", newline="") as file:
        table = {row["file"]: row for row in csv.DictReader(file)}
    assert len(table) == 37
    assert Counter(row["split"] for row in table.values()) == {
        **started.counts,
        "": 6,
    }
    one, other = table["jump/jump a_part1.mp4"], table["jump/jump a_part2.mp4"]
    assert one["source"] == other["source"] == "jump/jump a_part1.mp4"
    assert one["silent"] == "1" and other["silent"] == "0"
    assert (one["width"], one["height"], one["frames"]) == ("96", "64", "12")
    assert table["swim/swim a_part1.mp4"]["sound_codec"] == ""


def test_again(folder, made, tmp_path):
    """Nothing is checked twice; what somebody has edited stays, or is named."""
    out, said = tmp_path / "again", []
    shutil.copytree(made[1], out)
    before = {path.name: path.read_bytes() for path in out.glob("*.*")}
    config = out / "my videos.py"
    config.write_text(config.read_text() + "train_cfg['max_epochs'] = 7  # mine\n")
    started = init_folder(folder, out, workers=0, say=said.append)
    assert started.epochs == 7
    after = {path.name: path.read_bytes() for path in out.glob("*.*")}
    assert config.read_text().endswith("# mine\n")
    assert f"{config} was changed by hand and is kept" in "\n".join(said)
    changed = {name for name in before if before[name] != after[name]}
    assert {name for name in changed if name[0] != "."} == {"my videos.py"}
    write_clip(folder / "swim" / "swim f_part1.mp4", 77)
    try:
        init_folder(folder, out, workers=0, say=said.append)
    finally:
        (folder / "swim" / "swim f_part1.mp4").unlink()
    kept = (out / "checked.jsonl").read_text().splitlines()
    assert len(kept) == 1 + 35 + 1  # its head; a link that leads nowhere is not kept
    (out / "val.txt").write_text("x.mp4 0\n")
    with pytest.raises(ForeignFile, match=r"val\.txt"):
        init_folder(folder, out, workers=0, say=said.append)


def test_interrupted(folder, tmp_path, monkeypatch):
    """What is checked is kept, and a line that was cut off is done again."""
    whole = checking.check_files

    def interrupted(*args):
        for count, check in enumerate(whole(*args)):
            if count == 5:
                raise KeyboardInterrupt
            yield check

    monkeypatch.setattr(checking, "check_files", interrupted)
    with pytest.raises(KeyboardInterrupt):
        init_folder(folder, tmp_path, workers=0)
    kept = tmp_path / "checked.jsonl"
    assert len(kept.read_bytes().splitlines()) == 6
    kept.write_bytes(kept.read_bytes()[:-20])
    seen = []
    monkeypatch.setattr(
        checking,
        "check_files",
        lambda *args: (seen.append(one) or one for one in whole(*args)),
    )
    init_folder(folder, tmp_path, workers=0, say=lambda text: None)
    assert len(seen) == 36 - 4


def test_where_it_writes(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    started = init_folder(folder, workers=0, say=lambda text: None)
    assert started.config.name == "my videos.py"
    assert [path.name for path in tmp_path.iterdir()] == ["my videos_mmstconv"]
    for out in (folder, folder / "new", tmp_path / "my videos_mmstconv/../link/x"):
        (tmp_path / "link").is_symlink() or (tmp_path / "link").symlink_to(folder)
        with pytest.raises(ValueError, match=r"nothing is written.*--out"):
            init_folder(folder, out)
    monkeypatch.chdir(folder)
    with pytest.raises(ValueError, match=r"--out \.\./my videos_mmstconv"):
        init_folder(".")
    if os.geteuid():  # root may write anywhere
        (tmp_path / "closed").mkdir(mode=0o500)
        monkeypatch.chdir(tmp_path / "closed")
        with pytest.raises(OSError, match=r"cannot be written to.*--out"):
            init_folder(folder)

    def read_only(*_):
        raise OSError(errno.EROFS, "cannot be written to: Read-only file system")

    monkeypatch.setattr(start, "FolderLock", read_only)
    with pytest.raises(OSError, match=r"^cannot be written to.*--out"):
        init_folder(folder, tmp_path / "of a medium")


def test_nothing_to_learn(tmp_path):
    """Errors say what is expected."""
    with pytest.raises(OSError, match="there is no folder"):
        init_folder(tmp_path / "none")
    (tmp_path / "flat").mkdir()
    with pytest.raises(
        ValueError, match=r"there are no videos in (?s:.)*CLASS/video\.mp4"
    ):
        init_folder(tmp_path / "flat")
    write_clip(tmp_path / "flat/a.mp4", 1)
    with pytest.raises(ValueError, match=r"the 1 videos (?s:.)*CLASS/video\.mp4"):
        init_folder(tmp_path / "flat")
    shutil.copytree(tmp_path / "flat", tmp_path / "one/class")
    with pytest.raises(ValueError, match=r"are in one folder, .*class: "):
        init_folder(tmp_path / "one")
    for name in "ab":
        (tmp_path / "bad" / name).mkdir(parents=True)
        (tmp_path / "bad" / name / "x.mp4").write_bytes(b"?")
    with pytest.raises(ValueError, match=r"of 0 classes .* too few\n  a/x\.mp4: "):
        init_folder(tmp_path / "bad", tmp_path / "out", workers=0)
    with pytest.raises(ValueError, match="no regular expression"):
        init_folder(tmp_path / "one", source="(")
    (tmp_path / "flat/labels.csv").write_bytes(b"\xef\xbb\xbfpath;label\r\na.mp4;run")
    with pytest.raises(ValueError, match=r"labels\.csv has none .* 'path;label'$"):
        init_folder(tmp_path / "flat")


def test_without_the_weights(folder, tmp_path, monkeypatch):
    """The network from scratch; and a name that no comment or string may break."""
    monkeypatch.setattr(recipes, "WEIGHTS", "no_such_package")
    odd = tmp_path / "a\"b'c{d}\ne\\"
    odd.symlink_to(folder)
    started = init_folder(odd, tmp_path / "ou{t}", workers=0, say=lambda text: None)
    cfg = Config.fromfile(started.config)
    assert cfg.model.streams.rgb.backbone.arch == "lite"
    assert cfg.train_dataloader.dataset.data_prefix.video == str(odd)
    assert cfg.train_dataloader.dataset.ann_file == str(tmp_path / "ou{t}/train.txt")
    assert cfg.train_cfg.max_epochs == started.epochs > 80
    assert recipes.epochs_for(recipes.find_recipe(), 36) == 95  # of docs/accuracy.md


@pytest.mark.parametrize("weights", [recipes.WEIGHTS, "no_such_package"])
def test_many_files_take_the_epochs_of_the_config(weights, monkeypatch):
    monkeypatch.setattr(recipes, "WEIGHTS", weights)
    recipe = recipes.find_recipe()
    epochs = Config.fromfile(ROOT / "configs" / recipe.base).train_cfg.max_epochs
    assert recipes.epochs_for(recipe, 10_000) == epochs


@pytest.mark.parametrize("several", [False, True])
def test_official_lists_of_parts(tmp_path, several, monkeypatch):
    """Data sets of the config read them, with one class a part and with several."""
    folder = tmp_path / "v"
    names = [f"{x}{x}.mp4" for x in "abcdef"]
    for seed, name in enumerate(names):
        write_clip(folder / name, seed, sound=False)
    samples = [
        Sample(folder / name, (0, 1) if several else (k,), segment=(k / 2, k / 2 + 0.4))
        for name in names
        for k in (0, 1)
    ]
    layout = Layout("some", samples, ["x", "y"], several)
    monkeypatch.setattr(items, "find_layout", lambda folder, mend: layout)
    started = init_folder(folder, tmp_path / "out", workers=0, say=lambda text: None)
    cfg = read_config(str(started.config))
    assert [*cfg.model.streams] == ["rgb", "flow"]
    for split in ("train", "val", "test"):
        data = DATASETS.build(dict(cfg[f"{split}_dataloader"].dataset, num_classes=2))
        found = [data.get_data_info(k) for k in range(len(data))]
        assert len(found) == started.counts[split] > 0
        assert {one["segment"] for one in found} == {(0.0, 0.4), (0.5, 0.9)}
        labels = [data.get_cat_ids(k) for k in range(len(data))]
        assert labels == [[0, 1] if several else [k % 2] for k in range(len(data))]
        sample = data[0]
        assert sample["inputs"].keys() == {"rgb", "flow"}


def test_two_folders_of_one_name(folder, made, tmp_path):
    """The second does not replace the lists that the first one's training is of."""
    out = made[1]
    other = shutil.copytree(folder, tmp_path / folder.name, symlinks=True)
    before = contents(out)
    with pytest.raises(ForeignFile, match=r"of the videos in .* \(--out\)$"):
        init_folder(other, out, workers=0, say=lambda text: None)
    assert contents(out) == before
    moved = shutil.copytree(out, tmp_path / "out") / "my videos.py"
    text = moved.read_text().replace(str(folder), str(tmp_path / "gone"))
    moved.write_text(text)  # the videos lie elsewhere now
    init_folder(other, moved.parent, workers=0, say=lambda text: None)


def test_a_folder_with_several_names_is_looked_at_once(tmp_path):
    """Whichever of them its films are found by, they have a class."""
    (tmp_path / "run").mkdir()
    (tmp_path / "run/a.mp4").touch()
    for name in ("also", "too"):
        (tmp_path / name).symlink_to("run")
    for name in ("also", "run", "too"):
        layout = Layout("", [Sample(tmp_path / name / "a.mp4", (0,))], [name], False)
        assert items.videos_without_class(layout, tmp_path) == []
