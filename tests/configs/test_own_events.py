"""Events in videos of one's own: from clips and their checkpoint to events."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from conftest import ROOT, load_script, plain_config
from helpers_culprits import culprits
from helpers_media import chirp_sound, write_coded
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

from mmstconv.apis import cache_film_steps, detect, load_recognizer
from mmstconv.engine.configs import ConfigError, check_config

join = load_script("tools/data/join_clips.py")
CLIPS = next(
    (ROOT / "configs/recognition/finetune").glob("efficientnet-lite0*own-videos*.py")
)
(EVENTS,) = (ROOT / "configs/event_detection/own_videos").glob("*.py")
NAMES = ["fall", "jump"]
FORM = ["--size", "128", "96", "--seconds", "4", "--longest", "1", "--gaps", "0.5", "1"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """``data`` as the config names it, and a checkpoint of clips."""
    folder = tmp_path_factory.mktemp("own")
    for number, name in enumerate(NAMES):
        sound = chirp_sound(1, 0.2, 16000, top=2000.0 + 3000 * number)
        write_coded(folder / f"{name}.mp4", 25, waveform=sound, sample_rate=16000)
    clips = folder / "clips.txt"
    clips.write_text("".join(f"{name}.mp4 {k}\n" for k, name in enumerate(NAMES)))
    (folder / "classes.txt").write_text("\n".join(NAMES) + "\n")
    lists = [str(clips), str(clips)]
    join.main([*lists, "--out", str(folder / "data"), *FORM, "--workers", "1"])
    init_default_scope("mmaction")
    cfg = plain_config(CLIPS)
    cfg.model.cls_head.num_classes = len(NAMES)
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    torch.save(dict(state_dict=model.state_dict()), folder / "clips.pth")
    return folder


def of_the_user(folder):
    """What somebody writes who inherits the config."""
    path = folder / "my_events.py"
    path.write_text(
        f'_base_ = ["{EVENTS}"]\n'
        f"model = dict(cls_head=dict(num_classes={len(NAMES)}))\n"
        f'load_from = "{folder / "clips.pth"}"\n'
        f'work_dir = "{folder / "run"}"\n'
        "train_cfg = dict(max_epochs=1, val_interval=1)\nparam_scheduler = []\n"
        "default_hooks = dict(checkpoint=dict(interval=1))\n"
    )
    return path


@pytest.mark.slow
def test_from_clips_to_events(folder, monkeypatch):
    """One epoch; the streams stay those of the clips, whatever head they had."""
    monkeypatch.chdir(folder)
    cfg = plain_config(of_the_user(folder))
    cfg.model.streams.rgb.init_cfg = None  # the checkpoint has them
    path = str(folder / "my_config.py")
    cfg.dump(path)
    model = load_recognizer(path, "clips.pth", "cpu", streams_only=True)
    films = sorted((folder / "data/videos").iterdir())
    assert not cache_film_steps(model, films, cfg.cache)
    runner = Runner.from_cfg(cfg)
    runner.train()
    trained = torch.load(folder / "run/epoch_1.pth", weights_only=True)
    given = torch.load(folder / "clips.pth")["state_dict"]
    streams = {key for key in given if key.startswith("streams.")}
    culprits = [k for k in streams if not trained["state_dict"][k].equal(given[k])]
    assert streams and not culprits
    measures = runner.test()
    assert sum("average_mAP/" in key for key in measures) == 8  # of each subset
    assert trained["meta"]["dataset_meta"]["classes"] == NAMES
    model = load_recognizer(path, str(folder / "run/epoch_1.pth"), "cpu")
    end = json.loads(Path("data/events.json").read_text())["database"]
    for event in detect(model, films[0], threshold=0.001):
        assert event.label in NAMES
        assert 0 <= event.start <= event.end <= end[films[0].stem]["duration"] + 0.2


def test_what_a_run_has_written_can_be_used(tmp_path):
    """All configs of the tasks beside recognition, with their variables in one file."""

    def check(path):
        written = tmp_path / path.name
        plain_config(path).dump(written)
        check_config(Config.fromfile(written))

    tasks = ("event_detection", "multi_task", "prediction", "summarization")
    paths = [p for task in tasks for p in (ROOT / "configs" / task).rglob("*.py")]
    assert len(paths) > 8 and culprits(check, [(path,) for path in paths]) == []


def test_a_slip_in_what_a_run_has_written(tmp_path):
    path = tmp_path / "written.py"
    path.write_text("tets_pipeline = []\n")
    with pytest.raises(ConfigError, match="did you mean 'test_pipeline'"):
        check_config(Config.fromfile(path))
