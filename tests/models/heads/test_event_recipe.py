"""The event head in the recognizer: trained by its recipe on cached steps, exported."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from conftest import ROOT
from helpers_event_steps import RATE, SECONDS, Films
from mmaction.registry import DATASETS, MODELS
from mmengine.config import Config
from mmengine.dataset import BaseDataset
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from mmengine.structures import InstanceData

from mmstconv.apis import export_model
from mmstconv.datasets.film_cache import FilmCache, stamp_of
from mmstconv.datasets.film_steps import FilmSteps
from mmstconv.engine.film_caches import cache_key
from mmstconv.private_names import write_config_plainly

BASES = ("models/pyramid_demo", "schedules/event_adamw", "ema_runtime")
WIDTHS = dict(rgb=64, flow=64, audio=64)  # of the demo's streams
SEEN = {"train": (24, 1), "test": (8, 2)}  # films and seed


@DATASETS.register_module()
class DrawnEvents(BaseDataset):
    """Files of films whose steps are cached, with their events."""

    def __init__(self, films, folder, **kwargs):
        self.films, self.folder = films, folder
        super().__init__(**kwargs)

    def load_data_list(self):
        return [
            dict(
                filename=f"{self.folder}/{self.films}{row}.mp4",
                gt_instances=InstanceData(segments=segments, labels=labels),
            )
            for row, (segments, labels) in enumerate(
                Films(*SEEN[self.films], WIDTHS).truth
            )
        ]


def save_model(cfg):
    """The model that the steps are said to be of, with its checkpoint."""
    init_default_scope("mmaction")
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    torch.save(dict(state_dict=model.state_dict()), cfg.load_from)
    return model


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    folder = tmp_path_factory.mktemp("events")
    path = folder / "events.py"
    bases = [str(ROOT / f"configs/_base_/{name}.py") for name in BASES]
    path.write_text(f"_base_ = {bases!r}\n")
    cfg = Config.fromfile(path)
    write_config_plainly(cfg)
    cfg.load_from = str(folder / "streams.pth")
    cache = FilmCache(folder / "cache")
    cache.begin(cache_key(save_model(cfg), [], 0), WIDTHS)
    for name, (number, seed) in SEEN.items():
        for row, feats in enumerate(Films(number, seed, WIDTHS).feats):
            film = folder / f"{name}{row}.mp4"
            film.write_bytes(film.name.encode())
            steps = FilmSteps(
                {
                    modality: x.numpy().astype(np.float32)
                    for modality, x in feats.items()
                },
                dict.fromkeys(WIDTHS, True),
                start=0.0,
                step=1 / RATE,
                end=SECONDS,
            )
            cache.save(film, steps, stamp_of(film))
    load = dict(type="LoadFilmSteps", cache=str(cache.folder))
    crop = dict(type="CropFilmSteps", length=320)
    pack = dict(type="PackFilmSteps", keys=["gt_instances"])
    for name, films, pipeline in (
        ("train", "train", [load, crop, pack]),
        ("val", "test", [load, pack]),
    ):
        cfg[f"{name}_dataloader"] = dict(
            batch_size=4 if films == "train" else 1,
            num_workers=0,
            sampler=dict(type="DefaultSampler", shuffle=films == "train"),
            dataset=dict(
                type="DrawnEvents", films=films, folder=str(folder), pipeline=pipeline
            ),
        )
    cfg.val_evaluator = dict(type="TemporalDetectionMetric")
    cfg.test_cfg = None
    cfg.train_cfg.update(max_epochs=16, val_interval=16)
    cfg.default_hooks.checkpoint.save_best = None
    cfg.randomness = dict(seed=0)
    cfg.work_dir = str(folder / "work")
    cfg.experiment_name = "events"
    return cfg


def test_learns_by_the_runner(recipe):
    runner = Runner.from_cfg(recipe)
    runner.train()
    scalars = runner.message_hub.log_scalars
    one_modality = 0.297  # the most that can be known of these classes
    assert scalars["val/detection/mAP@0.50"].current() > one_modality + 0.4
    assert scalars["val/detection/median_edge_error"].current() < 0.15
    grads = scalars["train/grad_norm"].data[0]
    assert len(grads) == 16 * 6


def test_its_graph():
    """On clips: the points of events as plain tensors, for any number of samples."""
    init_default_scope("mmaction")
    torch.manual_seed(0)
    trunk = dict(type="STConvNet", stages=[dict(channels=4)])
    sound = dict(type="AudioConvNet", in_channels=6, stages=[dict(channels=4)])
    model = MODELS.build(
        dict(
            type="TriModalRecognizer",
            streams=dict(rgb=dict(backbone=trunk), audio=dict(backbone=sound)),
            joint=dict(fusion=dict(type="ConcatFusion"), steps=12),
            cls_head=dict(
                type="TemporalEventHead", num_classes=3, channels=8, levels=3
            ),
        )
    ).eval()

    def draw(rows):
        return dict(
            rgb=torch.randn(rows, 1, 3, 10, 8, 8), audio=torch.randn(rows, 1, 6, 20)
        )

    graph = export_model(model, draw(2)).module()
    inputs = draw(3)
    presence = {name: torch.tensor([True, name == "rgb", True]) for name in inputs}
    with torch.no_grad():
        wanted = model(inputs, presence=presence)
    found = graph(inputs, presence)
    assert wanted.logits.shape == (3, 12 + 6 + 3, 3)
    for field in ("logits", "segments", "rough"):
        torch.testing.assert_close(
            getattr(found, field).float(), getattr(wanted, field).float()
        )
