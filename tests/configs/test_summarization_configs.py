"""Every config of summaries trains, or needs no training, and is tested."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from conftest import plain_config
from mmengine.config import Config
from mmengine.runner import Runner

from mmstconv.datasets import FilmCache
from mmstconv.datasets.film_cache import stamp_of
from mmstconv.datasets.film_steps import FilmSteps

ROOT = Path(__file__).resolve().parents[2]
CONFIGS = sorted((ROOT / "configs/summarization").glob("*/*.py"))
WIDTHS = dict(rgb=64, flow=64, audio=64)


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    """Two films a subset, with cached steps of which the first channel matters."""
    folder, rng = tmp_path_factory.mktemp("films"), np.random.default_rng(0)
    cache, database = FilmCache(folder / "cache"), {}
    cache.begin(dict(made="here"), WIDTHS)
    for number, subset in enumerate(["training", "validation", "test"] * 2):
        path = folder / f"{subset}{number}.mp4"
        path.write_bytes(b"film")
        users = rng.integers(1, 5, (2, 20)).astype(float)
        feats = {
            name: rng.normal(size=(240, width)).astype("f4")
            for name, width in WIDTHS.items()
        }
        for feat in feats.values():
            feat[:, 0] = np.repeat(users.mean(0), 12)
        steps = FilmSteps(feats, dict.fromkeys(WIDTHS, True), 0.0, 0.25, 60.0)
        cache.save(path, steps, stamp_of(path))
        shots = [[3 * k, 3 * k + 3] for k in range(20)]
        database[path.name] = dict(
            subset=subset, duration=60.0, shots=shots, users=users.tolist()
        )
    text = json.dumps(dict(scale=[1, 4], database=database))
    (folder / "summaries.json").write_text(text)
    return folder


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_one_epoch_and_a_test(path, films, tmp_path):
    cfg = plain_config(path)
    cfg.work_dir = str(tmp_path)
    for split in ("train", "val", "test"):
        dataset = cfg[f"{split}_dataloader"].dataset
        dataset.update(
            ann_file=str(films / "summaries.json"), data_prefix=dict(video=str(films))
        )
        assert dataset.pipeline[0].type == "LoadFilmSteps"
        dataset.pipeline[0].cache = str(films / "cache")
    cfg.train_cfg.update(max_epochs=1, val_interval=1)
    del cfg.default_hooks.film_cache  # these steps are of no streams
    cfg.load_from = None
    runner = Runner.from_cfg(cfg)
    if cfg.model.cls_head.type != "TrainingFreeSummaryHead":
        runner.train()
        assert math.isfinite(runner.message_hub.get_scalar("train/loss").current())
        learns = {n for n, p in runner.model.named_parameters() if p.requires_grad}
        assert learns and all(name.startswith("cls_head.") for name in learns)
    metrics = runner.test()
    assert 0 <= metrics["summary/f1"] <= 1
    assert -1 <= metrics["summary/rho"] <= 1
    assert "summary/rho/rgb+audio" in metrics


def test_the_model_is_chosen_on_the_validation_films():
    for path in CONFIGS:
        cfg = Config.fromfile(path)
        subsets = [
            cfg[f"{s}_dataloader"].dataset.subset for s in ("train", "val", "test")
        ]
        assert subsets == ["training", "validation", "test"], path.name
        assert cfg.default_hooks.checkpoint.save_best == "summary/rho"
