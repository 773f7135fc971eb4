"""Lists of published data sets, written as ours by one command, and trained with."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from conftest import ROOT, load_script
from helpers_media import chirp_sound, write_coded
from helpers_official import audioset, charades, film, put, ucf101

convert = load_script("tools/data/convert_annotations.py")


@pytest.fixture(scope="module")
def target(tmp_path_factory):
    return film(tmp_path_factory.mktemp("film"))


def test_lists_names_and_what_is_gone(tmp_path, target, capsys):
    root, out = tmp_path / "audio set", tmp_path / "lists"
    (gone, _), *_ = audioset(root, target)
    (root / gone).unlink()
    convert.main(["audioset", str(root), "--out", str(out)])
    said = capsys.readouterr().out
    assert (out / "train.txt").read_text() == "audio/Y--ZhevVpy1s.mp4 1\n"
    assert (out / "test.txt").read_text() == "eval/--4gqARaEJE_000000.mp4 0\n"
    names = (out / "classes.txt").read_text().splitlines()
    assert names == ["Speech", "Male speech, man speaking", "Gush"]
    assert "balanced_train_segments.csv:4: --PJHxphWEs" in (
        out / "missing.txt"
    ).read_text(encoding="utf-8")
    assert "1 of 3 have no file" in said
    assert "type='MultiModalVideoDataset'" in said and "multi_class=True" in said
    convert.main(["auto", str(root), "--out", str(out)])  # its own are written again


def test_no_file_of_the_user_is_replaced(tmp_path, target):
    ucf101(tmp_path / "ucf", target)
    out = tmp_path / "lists"
    out.mkdir()
    (out / "test.txt").write_text("mine\n")
    with pytest.raises(SystemExit, match=r"test\.txt is there"):
        convert.main(["ucf101", str(tmp_path / "ucf"), "--out", str(out)])
    assert [path.name for path in out.iterdir()] == ["test.txt"]


def test_names_that_no_line_can_hold_are_named(tmp_path, target, capsys):
    root, out = tmp_path / "tree", tmp_path / "lists"
    for label in ("run", "swim"):
        put(root, f"{label}/a b.mp4", target)
    put(root, "run/two\nlines.mp4", target)
    os.symlink(target, os.fsencode(root) + b"/swim/caf\xe9.mp4")
    os.symlink(root, root / "run/loop")
    put(root, "run/.hidden.mp4", target)
    put(root, "run/notes.txt", target)
    convert.main(["auto", str(root), "--out", str(out)])
    assert (out / "all.txt").read_text() == "run/a b.mp4 0\nswim/a b.mp4 1\n"
    missing = (out / "missing.txt").read_text().splitlines()
    assert len(missing) == 2 and "two\\nlines" in missing[0]
    assert "2 names fit no line" in capsys.readouterr().out


def command(*arguments, cwd):
    return subprocess.run(
        [sys.executable, "-m", "mmstconv", *map(str, arguments)],
        cwd=cwd,
        env=dict(os.environ, OMP_NUM_THREADS="1"),
        capture_output=True,
        text=True,
    )


def test_a_folder_of_nothing_is_refused(tmp_path):
    with pytest.raises(SystemExit, match="no data set that is known"):
        convert.main(["auto", str(tmp_path), "--out", str(tmp_path / "x")])


CONFIGS = ROOT / "configs/recognition"
RUNS = {
    "charades_actions": (
        "demo/stconvnet_lstm_demo-rgb-flow-audio.py",
        "MultiModalSegmentDataset",
        "acc/top1",
    ),
    "charades": (
        "multilabel/stconvnet_lstm_demo-attributes-rgb-flow-audio.py",
        "MultiModalVideoDataset",
        "acc/mean_average_precision",
    ),
}


@pytest.mark.slow
def test_segments_of_one_film_and_several_labels_train(tmp_path):
    """Each run of two epochs reads, learns and is judged: accuracy, then mAP."""
    sound = chirp_sound(2, 0.2, 16000) + chirp_sound(2, 1.2, 16000, top=6000.0)
    target = write_coded(
        tmp_path / "film.mp4", 50, 25, waveform=sound, sample_rate=16000
    )
    charades(tmp_path / "charades", target)
    for form, (config, kind, metric) in RUNS.items():
        out = tmp_path / form
        convert.main([form, str(tmp_path / "charades"), "--out", str(out)])
        options = ["train_cfg.max_epochs=2", "model.cls_head.num_classes=3"]
        for part, split in (("train", "train"), ("val", "test"), ("test", "test")):
            at = f"{part}_dataloader"
            options += [
                f"{at}.batch_size=2",
                f"{at}.num_workers=0",
                f"{at}.persistent_workers=False",
                f"{at}.dataset.type={kind}",
                f"{at}.dataset.ann_file={out / split}.txt",
                f"{at}.dataset.data_prefix.video={tmp_path / 'charades'}",
                f"{at}.dataset.num_classes=3",
                f"{at}.dataset.metainfo.classes={out / 'classes.txt'}",
            ]
        work = tmp_path / f"work_{form}"
        said = command(
            *("train", CONFIGS / config, "--work-dir", work, "--cfg-options", *options),
            cwd=tmp_path,
        )
        assert said.returncode == 0, said.stdout + said.stderr
        scalars = next(work.rglob("scalars.json")).read_text().splitlines()
        assert any(metric in json.loads(line) for line in scalars), scalars
