"""Every config of several tasks trains on cached steps, and is tested."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from conftest import plain_config
from mmengine.runner import Runner

from mmstconv.datasets import FilmCache
from mmstconv.datasets.film_cache import stamp_of
from mmstconv.datasets.film_steps import FilmSteps

ROOT = Path(__file__).resolve().parents[2]
CONFIGS = [
    # as one of configs/summarization, which are tested each
    pytest.param(path, marks=pytest.mark.slow) if "8-steps" in path.stem else path
    for path in sorted((ROOT / "configs/multi_task").glob("*/*.py"))
]
WIDTHS = dict(rgb=64, flow=64, audio=64)
SECONDS, SHOTS = 30.0, 10
SUBSETS = ("training", "validation", "test")


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    """Films with events and films with users' scores, and the steps of all."""
    folder, rng = tmp_path_factory.mktemp("films"), np.random.default_rng(0)
    cache = FilmCache(folder / "cache")
    cache.begin(dict(made="here"), WIDTHS)
    found = dict(events={}, summaries={})
    for number, subset in enumerate(SUBSETS * 2):
        for kind, database in found.items():
            path = folder / f"{kind}_{number}.mp4"
            path.write_bytes(b"film")
            feats = {
                name: rng.normal(size=(int(8 * SECONDS), width)).astype("f4")
                for name, width in WIDTHS.items()
            }
            present = dict.fromkeys(WIDTHS, True)
            steps = FilmSteps(feats, present, 0.0, 0.125, SECONDS)
            cache.save(path, steps, stamp_of(path))
            database[path.stem if kind == "events" else path.name] = dict(
                subset=subset, duration=SECONDS
            )
    for film in found["events"].values():
        film["annotations"] = [dict(segment=[3.0 * k, 3.0 * k + 2], label=f"c{k % 8}")
                               for k in range(SHOTS)]  # fmt: skip
    for film in found["summaries"].values():
        film["shots"] = [[3 * k, 3 * k + 3] for k in range(SHOTS)]
        film["users"] = rng.integers(1, 5, (2, SHOTS)).astype(float).tolist()
    (folder / "classes.txt").write_text("".join(f"c{k}\n" for k in range(8)))
    found["summaries"] = dict(scale=[1, 4], database=found["summaries"])
    found["events"] = dict(database=found["events"])
    for kind, content in found.items():
        (folder / f"{kind}.json").write_text(json.dumps(content))
    return folder


def point_at(part, folder):
    """Data sets at any depth of a config, on these films."""
    if isinstance(part, list):
        for one in part:
            point_at(one, folder)
    elif "pipeline" in part:
        kind = "summaries" if part.type == "SummaryDataset" else "events"
        part.update(ann_file=str(folder / f"{kind}.json"))
        part.update(data_prefix=dict(video=str(folder)))
        if kind == "events":
            part.update(metainfo=dict(classes=str(folder / "classes.txt")))
        assert part.pipeline[0].type == "LoadFilmSteps"
        part.pipeline[0].cache = str(folder / "cache")
    else:
        for key in {"dataset", "datasets"} & set(part):
            point_at(part[key], folder)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_one_epoch_and_a_test(path, films, tmp_path):
    cfg = plain_config(path)
    cfg.work_dir = str(tmp_path)
    for split in ("train", "val", "test"):
        point_at(cfg[f"{split}_dataloader"], films)
    repeated = cfg.train_dataloader.dataset
    if "times" in repeated:
        repeated.times = 1
    cfg.train_dataloader.batch_size = 4
    epochs = 3 if "times" in repeated else 1  # two are the warm-up
    cfg.train_cfg.update(max_epochs=epochs, val_interval=epochs)
    del cfg.default_hooks.film_cache  # these steps are of no streams
    cfg.load_from = None
    runner = Runner.from_cfg(cfg)
    runner.train()
    losses = {
        key.partition("/")[2]: value.current()
        for key, value in runner.message_hub.log_scalars.items()
        if key.startswith("train/") and "loss" in key
    }
    assert all(math.isfinite(value) for value in losses.values())
    learns = {n for n, p in runner.model.named_parameters() if p.requires_grad}
    assert learns and all(name.startswith("cls_head.") for name in learns)
    metrics = runner.test()
    if cfg.model.cls_head.type != "MultiTaskHead":
        assert -1 <= metrics["summary/rho"] <= 1
        return
    assert {"events.loss_edges", "summary.loss_importance"} <= set(losses)
    assert any("mAP" in key for key in metrics)
