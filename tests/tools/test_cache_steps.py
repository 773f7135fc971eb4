"""Steps of a config's videos: made once, made again when stale, trained on."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
import torch
from conftest import ROOT, data_options, load_script, plain_config
from mmaction.registry import MODELS, TRANSFORMS
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

from mmstconv.datasets import FilmStepsError
from mmstconv.media import MediaError

BASE = ROOT / "configs/recognition/demo/stconvnet_lstm_demo-rgb-flow-audio.py"
TOOL = load_script("tools/cache_steps.py")
LEARNER = """
_base_ = [{base!r}]
load = dict(type="LoadFilmSteps", cache={cache!r})
pack = dict(type="PackFilmSteps", keys=["label"])
train_dataloader = dict(
    dataset=dict(pipeline=[load, dict(type="CropFilmSteps", length=4), pack])
)
val_dataloader = dict(batch_size=1, dataset=dict(pipeline=[load, pack]))
test_dataloader = dict(batch_size=1, dataset=dict(pipeline=[load, pack]))
model = dict(cached_steps=True)
train_cfg = dict(max_epochs=1, val_interval=1)
"""


def save_model(path, seed):
    init_default_scope("mmaction")
    torch.manual_seed(seed)
    model = MODELS.build(Config.fromfile(BASE).model)
    weights = model.state_dict()
    # a checkpoint of another task
    weights["cls_head.fc_cls.weight"] = torch.zeros(5, 3)
    torch.save(dict(state_dict=weights), path)
    return path


@pytest.fixture(scope="module")
def place(demo_data, tmp_path_factory):
    """A folder with a config that learns from ``cache``, and two checkpoints."""
    folder = tmp_path_factory.mktemp("caching")
    config = folder / "learner.py"
    text = LEARNER.format(base=str(BASE), cache=str(folder / "cache"))
    options = {k: v for k, v in data_options(demo_data).items() if "batch" not in k}
    for split in ("train", "test"):  # eight files for all
        for key in ("ann_file", "data_prefix.video"):
            name = "{}_dataloader.dataset." + key
            options[name.format(split)] = options[name.format("val")]
    config.write_text(text)
    cfg = Config.fromfile(config)
    cfg.merge_from_dict(options)
    cfg.dump(str(config))
    save_model(folder / "a.pth", 0)
    save_model(folder / "b.pth", 1)
    return folder


def call(monkeypatch, place, checkpoint, *more):
    command = ["cache_steps.py", place / "learner.py", place / checkpoint, *more]
    monkeypatch.setattr(sys, "argv", [str(part) for part in [*command, "--device=cpu"]])
    with pytest.raises(SystemExit) as left:
        TOOL.main()
    return left.value.code


def made(folder):
    return {path.name: path.stat().st_mtime_ns for path in folder.glob("*.npz")}


def learn(place, checkpoint=None, **options):
    cfg = plain_config(place / "learner.py")
    cfg.work_dir = str(place / "run")
    cfg.load_from = checkpoint and str(place / checkpoint)
    cfg.default_hooks.consistency.reinit = ["cls_head"]
    cfg.merge_from_dict(options)
    runner = Runner.from_cfg(cfg)
    runner.train()
    return runner


def test_made_once_and_trained_on(monkeypatch, place, capsys):
    assert call(monkeypatch, place, "a.pth") == 0
    cache = place / "cache"
    first = made(cache)
    assert len(first) == 8
    assert call(monkeypatch, place, "a.pth") == 0
    assert made(cache) == first

    runner = learn(place, "a.pth")
    weights = torch.load(place / "a.pth")["state_dict"]
    for name, value in runner.model.state_dict().items():
        if name.startswith("streams."):
            assert value.equal(weights[name])
    assert runner.message_hub.get_scalar("val/acc/top1").current() >= 0
    # other weights, and other clips
    with pytest.raises(
        FilmStepsError, match=r"of the streams than this.*\n.*cache-steps"
    ):
        learn(place)
    clips = json.loads(json.dumps(Config.fromfile(BASE).test_pipeline))
    clips[1]["fps"] = 10
    with pytest.raises(FilmStepsError, match=r"other test_pipeline of clips"):
        learn(place, "a.pth", test_pipeline=clips)
    with pytest.raises(ValueError, match="cached_steps=True"):
        learn(place, "a.pth", **{"model.cached_steps": False})

    assert call(monkeypatch, place, "b.pth") == 0  # of other weights: all again
    again = made(cache)
    assert again.keys() == first.keys()
    assert all(again[name] > first[name] for name in first)
    with pytest.raises(FilmStepsError):
        learn(place, "a.pth")


def test_a_broken_video_is_named_and_the_others_are_made(
    monkeypatch, place, demo_data, tmp_path, capsys
):
    films = tmp_path / "films"
    films.mkdir()
    good = next((demo_data / "val").glob("*.mp4"))
    (films / "a.mp4").write_bytes(b"\0\0\0\x20ftypisom" + b"\0" * 100)
    (films / "b.mp4").write_bytes(good.read_bytes())
    out = tmp_path / "out"
    missing = tmp_path / "list.txt"
    missing.write_text(f"{films / 'b.mp4'}\n{films / 'none.mp4'}\n")
    assert call(monkeypatch, place, "a.pth", "--out", out, "--files", films) == 1
    said = capsys.readouterr().err
    assert "a.mp4: " in said and "1 of 2 videos cannot be used" in said
    first = made(out)
    assert len(first) == 1
    load = TRANSFORMS.build(dict(type="LoadFilmSteps", cache=str(out)))
    assert load(dict(filename=str(films / "b.mp4")))["step_count"] > 4
    with pytest.raises(MediaError, match=r"a\.mp4"):
        load(dict(filename=str(films / "a.mp4")))
    assert call(monkeypatch, place, "a.pth", "--out", out, "--files", missing) == 1
    assert "none.mp4: No such file" in capsys.readouterr().err
    assert made(out) == first


def test_nothing_of_the_user_is_written_over(monkeypatch, place, demo_data, tmp_path):
    film = next((demo_data / "val").glob("*.mp4"))
    command = ("a.pth", "--out", tmp_path / "out", "--files", film)
    (tmp_path / "out").mkdir()
    mine = tmp_path / "out" / "film_steps.json"
    mine.write_text("{}")
    assert "broken" in call(monkeypatch, place, *command)
    assert mine.read_text() == "{}"
    mine.unlink()
    assert call(monkeypatch, place, *command) == 0
    (steps,) = (tmp_path / "out").glob("*.npz")
    steps.write_bytes(b"mine")
    assert "was not written by this tool" in call(monkeypatch, place, *command)
    assert steps.read_bytes() == b"mine"


@pytest.mark.slow
def test_a_killed_run_goes_on(monkeypatch, place, tmp_path):
    out = tmp_path / "out"
    command = [sys.executable, ROOT / "tools/cache_steps.py", place / "learner.py"]
    child = subprocess.Popen(
        [*command, place / "a.pth", "--out", out, "--device", "cpu"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while len(made(out) if out.exists() else ()) < 1 and child.poll() is None:
        time.sleep(0.02)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    first = made(out)
    assert 1 <= len(first) < 8
    assert call(monkeypatch, place, "a.pth", "--out", out) == 0
    again = made(out)
    assert len(again) == 8
    assert {name: again[name] for name in first} == first
    assert not list(out.glob(".*.unfinished"))


def test_jobs_fill_one_cache(monkeypatch, place):
    """Shares of the videos, and a manifest that does not say which job wrote it."""
    shutil.rmtree(place / "cache", ignore_errors=True)
    manifests = set()
    for number in range(2):
        assert call(monkeypatch, place, "a.pth", "--shard", f"{number}/2") == 0
        manifests.add((place / "cache" / "film_steps.json").read_text())
        assert len(made(place / "cache")) == 4 * (number + 1)
    assert len(manifests) == 1 and "--shard" not in manifests.pop()
    before = made(place / "cache")
    assert call(monkeypatch, place, "a.pth") == 0
    assert made(place / "cache") == before
