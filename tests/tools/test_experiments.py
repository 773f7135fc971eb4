"""tools/experiments: a row from end to end, processor time, recipes, tables."""

from __future__ import annotations

import json
import multiprocessing
import re
import shutil
import time
from dataclasses import asdict, replace
from pathlib import Path

import av
import numpy as np
import pytest
from conftest import load_script
from mmengine.config import Config

rows = load_script("tools/experiments/rows.py")
recipes = load_script("tools/experiments/recipes.py")
stopwatch = load_script("tools/experiments/stopwatch.py")
table = load_script("tools/experiments/table.py")
script = load_script("tools/experiments/run.py")

# It learns nothing, and its random answers follow from all that it sees and hears.
TINY = recipes.Row(
    "the demo network",
    "recognition/demo/stconvnet_lstm_demo-rgb-flow-audio.py",
    epochs=2,
    batch=8,
    options={
        "log_level": "ERROR",
        "optim_wrapper.optimizer.lr": 0.0,
        "model.cls_head.init_std": 1.0,
        "model.cls_head.score_subsets": True,
    },
)


@pytest.fixture(scope="module")
def data(demo_data, tmp_path_factory) -> Path:
    """The demo clips under the names that run.py expects; all have sound."""
    folder = tmp_path_factory.mktemp("data")
    shutil.copytree(demo_data, folder / "clips")
    for name, sources in dict(train=["val"], val=["train", "test"]).items():
        lines = [
            f"clips/{source}/{line}\n"
            for source in sources
            for line in (demo_data / f"{source}.txt").read_text().splitlines()
        ]
        for lists in ("", "_sound4"):
            (folder / f"{name}{lists}.txt").write_text("".join(lines))
    return folder


def without_sound(data: Path, folder: Path) -> Path:
    """The same folder, the pictures copied packet by packet and the sound left out."""
    shutil.copytree(data, folder)
    for path in folder.rglob("*.mp4"):
        silent = path.with_name("silent.mp4")
        with av.open(str(path)) as source, av.open(str(silent), "w") as target:
            (pictures,) = source.streams.video
            copy = target.add_stream_from_template(pictures)
            for packet in source.demux(pictures):
                if packet.dts is not None:
                    packet.stream = copy
                    target.mux(packet)
        silent.replace(path)
    return folder


def test_sound_taken_away_is_what_files_without_sound_get(data, tmp_path):
    first = script.run("tiny", TINY, data, 5, tmp_path / "first", workers=0)
    assert first["finished"] and first["epoch"] == 2 and first["cpu_minutes"] > 0
    subsets = first["subsets"]
    assert first["without_sound"] == subsets["rgb+flow"]
    heard = [subset for subset in subsets if "audio" in subset]
    quiet = {
        subset: subset.replace("audio", "").strip("+") or "none" for subset in heard
    }
    assert any(subsets[subset] != subsets[quiet[subset]] for subset in heard), (
        "sound decides nothing here"
    )
    assert first["sounding"] == first["as_is"]
    # This network's test takes one clip of a file, as its validation does.
    assert first["clips_as_is"] == first["as_is"]
    assert first["clips_without_sound"] == first["without_sound"]
    assert first["sounding_without_sound"] == first["without_sound"]
    # The last checkpoint has not been validated: a run that resumes makes it up.
    shutil.copytree(tmp_path / "first/tiny_seed5", tmp_path / "second/tiny_seed5")
    silent = without_sound(data, tmp_path / "silent")
    second = script.run("tiny", TINY, silent, 5, tmp_path / "second", workers=0)
    assert second["as_is"] == second["without_sound"] == first["without_sound"]
    for subset, accuracy in second["subsets"].items():
        assert accuracy == subsets[quiet.get(subset, subset)], subset
    assert second["sounding"] is None
    assert [one["epoch"] for one in second["history"]] == [1, 2]
    assert second["history"][0] == first["history"][0]
    # What is finished is not run again.
    assert script.run(
        "tiny", TINY, tmp_path / "gone", 5, tmp_path / "first"
    ) == json.loads((tmp_path / "first/tiny_seed5.json").read_text())


@pytest.mark.slow
def test_a_peer_gets_the_epochs_that_fit(data, tmp_path, monkeypatch):
    row = rows.ROWS["tsn_r18"]
    row = replace(row, size=32, batch=8, options={**row.options, "log_level": "ERROR"})
    monkeypatch.setattr(script, "STEPS", 3)
    found = script.run("peer", row, data, 0, tmp_path, budget=1e-6, workers=1)
    assert found["finished"] and found["epochs"] == 1
    assert [one["epoch"] for one in found["history"]] == [1]
    assert found["as_is"] == found["without_sound"] == found["sounding"]
    assert found["subsets"] == found["streams"] == {}


def burn(seconds: float, pipe) -> None:
    while time.process_time() < seconds:
        pass
    pipe.send(time.process_time())
    pipe.recv()


def test_processor_time_counts_children():
    """While they run as after they have ended, and once."""
    before = stopwatch.cpu_seconds()
    here, there = multiprocessing.get_context("fork").Pipe()
    context = multiprocessing.get_context("fork")
    child = context.Process(target=burn, args=(0.5, there))
    child.start()
    spent = here.recv()  # by the child, as it says itself
    running = stopwatch.cpu_seconds() - before
    here.send("end")
    child.join()
    ended = stopwatch.cpu_seconds() - before
    assert spent - 0.05 <= running <= ended < 1.5 * spent


def test_rows_keep_their_recipes(data, tmp_path):
    """The parts of a schedule keep their shares, the learning rate that of a clip.
    MMAction2's recognizers start from no weights."""
    lines = (data / "val.txt").read_text().splitlines()[:3]
    for name in ("train", "val", "train_sound4", "val_sound4"):
        (tmp_path / f"{name}.txt").write_text("\n".join(lines) + "\n")
    (tmp_path / "clips").symlink_to(data / "clips")
    culprits = []
    for name, row in rows.ROWS.items():
        base = (recipes.PEERS if row.peer else recipes.CONFIGS) / row.base
        stock = Config.fromfile(base)
        if row.schedule:
            for key, value in Config.fromfile(recipes.CONFIGS / row.schedule).items():
                stock[key] = value
        stock.merge_from_dict(row.options)
        cfg = recipes.assemble(row, tmp_path, 0, 100, 0)
        if row.peer and re.search("://|torchvision", str(cfg.model)):
            culprits.append(f"{name}: weights")
        if cfg.optim_wrapper.optimizer.lr != stock.optim_wrapper.optimizer.lr:
            culprits.append(f"{name}: learning rate")
        if row.streams and set(cfg.model.streams) != set(row.streams):
            culprits.append(f"{name}: streams of {[*cfg.model.streams]}")
        if not cfg.auto_scale_lr.enable:
            culprits.append(f"{name}: the learning rate does not follow the batch")
        for old, new in zip(stock.param_scheduler, cfg.param_scheduler):
            for key in ("begin", "end", "T_max", "milestones"):
                share = np.array(old.get(key, 0)) / stock.train_cfg.max_epochs
                # 3 clips are one iteration
                if np.abs(np.array(new.get(key, 0)) - 100 * share).max() > 0.5:
                    culprits.append(f"{name}: {key} of {new.type}")
    assert not culprits


def test_tables_have_every_seed_and_failures(tmp_path, capsys):
    recipe = asdict(TINY)
    one = dict(row="tiny", seed=0, epochs=4, epoch=4, finished=True, failed=None)
    one.update(as_is=0.9, without_sound=0.8, sounding=0.95, sounding_without_sound=0.5)
    one.update(streams=dict(rgb=0.6), cpu_minutes=24.04, minutes_to_goal=10.0)
    one.update(clips_as_is=0.92, clips_without_sound=None)
    one.update(recipe=recipe, parameters=230_000)
    two = dict(one, seed=1, as_is=0.8, epoch=3, minutes_to_goal=None)
    lost = dict(one, row="lost", failed="the loss is not finite", epoch=1, streams={})
    for run in (one, two, lost):
        path = tmp_path / f"{run['row']}_seed{run['seed']}.json"
        path.write_text(json.dumps(run))
    table.main([str(tmp_path)])
    printed = capsys.readouterr().out
    assert (
        "| `tiny`: the demo network | **85.0** (90.0, 80.0) | **80.0** (80.0, 80.0) | "
        "**95.0** (95.0, 95.0) | **50.0** (50.0, 50.0) | **92.0** (92.0, 92.0) | - | "
        "rgb **60.0** (60.0, 60.0) | 3 of 4; 4 | **24.0** (24.0, 24.0) | 10.0, - | "
        "0, 1 |"
    ) in printed
    assert "| 1 of 4, failed: the loss is not finite | 24.0 |" in printed
    page = tmp_path / "page.md"
    page.write_text(f"before\n{table.BEGIN}old\n{table.END}\nafter\n")
    for _ in range(2):  # the second changes nothing
        table.main([str(tmp_path), "--into", str(page)])
        expected = f"before\n{table.BEGIN}\n{printed}\n{table.END}\nafter\n"
        assert page.read_text() == expected
    page.write_text("no marks")
    with pytest.raises(ValueError, match=r"page\.md: no line <!-- tables --> with"):
        table.put_into(page, printed)
    assert page.read_text() == "no marks"
