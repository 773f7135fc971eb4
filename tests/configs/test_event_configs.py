"""Every config of the demo's events trains on cached steps, and is tested."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from conftest import load_script, plain_config
from mmaction.registry import MODELS
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

from mmstconv.apis import cache_film_steps

ROOT = Path(__file__).resolve().parents[2]
CONFIGS = sorted((ROOT / "configs/event_detection").glob("demo/*.py"))
PYRAMID = next(path for path in CONFIGS if path.stem.startswith("pyramid_"))
# The longer windows, and the second stage, which caches what it has learned.
STAGES = [
    pytest.param(path, marks=pytest.mark.slow) if "lstm-4s" in path.stem else path
    for path in CONFIGS
]
SUBSETS = dict(training=2, validation=1, test=1)


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    """Films, tables of when their events begin, and a checkpoint of streams."""
    folder = tmp_path_factory.mktemp("films")
    make = load_script("tools/data/make_event_dataset.py").make_dataset
    made = make(folder / "data", SUBSETS, seed=3)
    for subset, timelines in made.items():
        lines = ["file,time,label"]
        for number, timeline in enumerate(timelines):
            name = f"{subset}_{number:04d}"
            lines += [f"{name},{p.start},{p.motion}_{p.glide}" for p in timeline]
        (folder / f"starts_{subset}.csv").write_text("\n".join(lines) + "\n")
    init_default_scope("mmaction")
    torch.manual_seed(0)
    state = MODELS.build(plain_config(CONFIGS[0]).model).state_dict()
    state = {key: value for key, value in state.items() if key.startswith("streams.")}
    torch.save(dict(state_dict=state), folder / "streams.pth")
    return folder


def cache(cfg, folder, weights):
    """Steps of the config's clips, where it looks for them."""
    model = MODELS.build(cfg.model).eval()
    model.load_state_dict(weights, strict=False)
    model.cfg = cfg
    files = sorted((folder / "data/videos").iterdir())
    assert not cache_film_steps(model, files, folder / Path(cfg.cache).name)


def pointed_at(path, folder, work_dir):
    """The config on these films, one epoch of few steps."""
    cfg = plain_config(path)
    cfg.work_dir = str(work_dir)
    for split in ("train", "val", "test"):
        dataset = (cfg.get(f"{split}_dataloader") or {}).get("dataset")
        if dataset is None:
            continue
        cfg[f"{split}_dataloader"].update(num_workers=0, persistent_workers=False)
        if split == "train":
            dataset.times = 1
            dataset = dataset.dataset
        instants = dataset.get("format") == "csv"
        subset = dict(train="training", val="validation", test="test")[split]
        truth = folder / (f"starts_{subset}.csv" if instants else "data/events.json")
        dataset.update(
            ann_file=str(truth), data_prefix=dict(video=str(folder / "data/videos"))
        )
        dataset.metainfo.classes = str(folder / "data/classes.txt")
        if dataset.pipeline[0].type == "LoadFilmSteps":
            dataset.pipeline[0].cache = str(folder / Path(cfg.cache).name)
    cfg.train_dataloader.batch_size = 2
    cfg.train_cfg.update(max_epochs=1, val_interval=1)
    cfg.param_scheduler = []
    cfg.load_from = str(folder / "streams.pth")
    return cfg


@pytest.mark.parametrize("path", STAGES, ids=lambda path: path.stem)
def test_one_epoch_and_a_test(path, films, tmp_path):
    cfg = pointed_at(path, films, tmp_path)
    given = torch.load(films / "streams.pth", weights_only=True)["state_dict"]
    if cfg.model.cached_steps:
        cache(cfg, films, given)
    runner = Runner.from_cfg(cfg)
    runner.train()
    assert math.isfinite(runner.message_hub.get_scalar("train/loss").current())
    trained = torch.load(tmp_path / "epoch_1.pth", weights_only=True)["state_dict"]
    same = all(trained[key].equal(value) for key, value in given.items())
    assert same == cfg.model.cached_steps  # only the second stage trains them
    if not cfg.model.cached_steps:  # tested on steps of what it has learned
        cache(cfg, films, trained)
        cfg = pointed_at(path, films, tmp_path)
        cfg.model.cached_steps = True
        cfg.load_from = str(tmp_path / "epoch_1.pth")
        runner = Runner.from_cfg(cfg)
    measures = runner.test()
    (mean,) = (value for key, value in measures.items() if key.endswith("/average_mAP"))
    assert 0 <= mean <= 1
    worth = [key for key in measures if "average_mAP/" in key]
    assert len(worth) == 8  # of each subset of the modalities, and of none


def test_the_pipeline_of_clips_stays_that_of_the_demo():
    """What is cached, and what detect reads of a file."""
    for path in CONFIGS:
        steps = {step.type: step for step in plain_config(path).test_pipeline}
        assert {"OpenMedia", "SampleClips", "PackActionInputs"} <= steps.keys()
        assert not steps["PackActionInputs"].get("algorithm_keys")
