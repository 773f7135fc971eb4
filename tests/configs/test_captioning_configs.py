"""Every config of captions: trains on cached steps or clips, and is tested."""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest
from conftest import ROOT, load_script, plain_config
from mmengine.runner import Runner

from mmstconv.apis import load_recognizer
from mmstconv.datasets import FilmCache
from mmstconv.datasets.film_cache import stamp_of
from mmstconv.datasets.film_steps import FilmSteps

DEMO = ROOT / "configs/captioning/demo"
SMALL = DEMO / "lstm_stconvnet-lstm_demo-captions-rgb-flow-audio.py"
SEEN = DEMO / "stconvnet-lstm_demo-seen-rgb.py"
OWN = next((ROOT / "configs/captioning/own_videos").glob("lstm_*.py"))

sys.path.insert(0, str(ROOT / "tools" / "data"))
maker = load_script("tools/data/make_caption_dataset.py")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("captions") / "data"
    maker.make_dataset(folder, dict(training=4, validation=2, test=1, seen=16))
    return folder


def ready(path, folder, cache, work_dir):
    """The config on these files, for one epoch."""
    cfg = plain_config(path)
    cfg.work_dir, cfg.load_from = str(work_dir), None
    cfg.model.cls_head.words = str(folder / "words.txt")
    for split, name in (("train", "training"), ("val", "validation"), ("test", "test")):
        loader = cfg.get(f"{split}_dataloader")
        if loader is None:
            continue
        loader.batch_size = min(loader.batch_size, 4)
        loader.num_workers, loader.persistent_workers = 0, False
        dataset = loader.dataset
        dataset.update(
            ann_file=str(folder / f"{name}.csv"),
            data_prefix=dict(video=str(folder / "videos")),
        )
        if dataset.pipeline[0].type == "LoadFilmSteps":
            dataset.pipeline[0].cache = str(cache)
    cfg.train_cfg.update(max_epochs=1, val_interval=1)
    cfg.param_scheduler = []
    return cfg


def cached(folder, where, widths):
    """Steps that no stream has given."""
    cache, rng = FilmCache(where), np.random.default_rng(0)
    cache.begin(dict(made="here"), widths)
    for path in sorted((folder / "videos").glob("*.mp4")):
        feats = {n: rng.normal(size=(24, d)).astype("f4") for n, d in widths.items()}
        steps = FilmSteps(feats, dict.fromkeys(widths, True), 0.0, 0.25, 6.0)
        cache.save(path, steps, stamp_of(path))
    return where


@pytest.mark.parametrize(
    "path", [SMALL, pytest.param(OWN, marks=pytest.mark.slow)], ids=["demo", "own"]
)
def test_on_cached_steps(path, made, tmp_path):
    cfg = ready(path, made, None, tmp_path)
    neck = {n: s.neck.hidden_channels for n, s in cfg.model.streams.items()}
    cache = cached(made, tmp_path / "cache", neck)
    cfg = ready(path, made, cache, tmp_path)
    del cfg.default_hooks.film_cache  # these steps are of no streams
    for stream in cfg.model.streams.values():
        stream.pop("init_cfg", None)
    runner = Runner.from_cfg(cfg)
    runner.train()
    assert math.isfinite(runner.message_hub.get_scalar("train/loss").current())
    learns = {n for n, p in runner.model.named_parameters() if p.requires_grad}
    assert learns and all(name.startswith("cls_head.") for name in learns)
    metrics = runner.test()
    assert 0 <= metrics["caption/BLEU-4/rgb+audio"] <= 1


def test_on_clips_and_in_a_checkpoint_of_its_own(made, tmp_path):
    """End to end, from clips of the files; the words travel with the weights."""
    cfg = ready(SMALL, made, None, tmp_path)
    cfg.model.cached_steps = False
    cfg.train_dataloader.dataset.pipeline = cfg.train_pipeline
    cfg.train_pipeline[-1].algorithm_keys = ["gt_captions"]
    del cfg.default_hooks.film_cache
    cfg.val_dataloader = cfg.val_cfg = cfg.val_evaluator = None
    assert_streams_learn(cfg)
    (tmp_path / "alone").mkdir()
    checkpoint = (tmp_path / "last_checkpoint").read_text().strip()
    model = load_recognizer(str(SMALL), checkpoint, "cpu")  # there is no words.txt
    words = (made / "words.txt").read_text().split()
    assert model.cls_head.vocabulary.words == words


def assert_streams_learn(cfg):
    runner = Runner.from_cfg(cfg)
    before = runner.model.streams.rgb.backbone.state_dict()
    before = {name: value.clone() for name, value in before.items()}
    runner.train()
    after = runner.model.streams.rgb.backbone.state_dict()
    assert any(not value.equal(after[name]) for name, value in before.items())


def test_the_first_stage_learns_what_is_seen(made, tmp_path):
    """Eight classes, named by the words of pictures."""
    cfg = plain_config(SEEN)
    cfg.work_dir, cfg.load_from = str(tmp_path), None
    loader = cfg.train_dataloader
    loader.num_workers, loader.persistent_workers = 0, False
    loader.dataset.update(
        ann_file=str(made / "seen.txt"),
        data_prefix=dict(video=str(made / "seen")),
        metainfo=dict(classes=str(made / "classes.txt")),
    )
    cfg.train_cfg.max_epochs = 1
    cfg.param_scheduler = []
    assert_streams_learn(cfg)
    classes = (made / "classes.txt").read_text().splitlines()
    assert len(classes) == cfg.model.cls_head.num_classes
    labels = [int(row.split()[1]) for row in (made / "seen.txt").open()]
    clips = maker.clips_of(0, "seen", 16)
    assert [classes[label] for label in labels] == [clip.seen for clip in clips]
