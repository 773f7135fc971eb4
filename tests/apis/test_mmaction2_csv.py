"""Film steps in MMAction2's form, and its localizers trained on them."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from conftest import ROOT, plain_config
from mmengine.runner import Runner

from mmstconv.apis.mmaction2_csv import write_mmaction2_csv
from mmstconv.datasets import FilmCache, FilmSteps
from mmstconv.datasets.film_cache import stamp_of
from mmstconv.datasets.mmaction2_features import feature_rows

WIDTHS = dict(rgb=64, flow=64, audio=64)
ROWS, SECONDS = 20, 40.0
CONFIGS = {
    path.name.partition("_")[0]: path
    for path in (ROOT / "configs/event_detection").glob("*-feature.py")
}


def test_rows_are_means_over_time():
    """Against an integral over a fine grid; the ends hold their first and last step."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(11, 2)).astype(np.float32)
    steps = FilmSteps(dict(a=x[:, :1], b=x[:, 1:]), {}, start=0.3, step=0.25, end=3.1)
    fine = (np.arange(350000) + 0.5) / 350000 * 3.1
    index = ((fine - 0.3) // 0.25).astype(int).clip(0, 10)
    expected = np.stack(
        [part.mean(0, np.float64) for part in np.array_split(x[index], 7)]
    )
    np.testing.assert_allclose(feature_rows(steps, 7), expected, atol=1e-4)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A cache whose features tell the events, and data sets of ActivityNet's form."""
    folder = tmp_path_factory.mktemp("localizers")
    rng = np.random.default_rng(0)
    cache = FilmCache(folder / "cache")
    cache.begin(dict(test=1), WIDTHS)
    database = {}
    for number in range(12):
        film = folder / f"film_{number}.mp4"
        film.write_bytes(rng.bytes(100))
        begin = float(rng.uniform(2, 20))
        end = begin + float(rng.uniform(6, 14))
        times = (np.arange(160) + 0.5) / 4
        inside = ((times > begin) & (times < end))[:, None]
        feats = {
            name: (inside + rng.normal(size=(160, width)) * 0.3).astype(np.float32)
            for name, width in WIDTHS.items()
        }
        here = dict.fromkeys(WIDTHS, True)
        steps = FilmSteps(feats, here, start=0.0, step=0.25, end=SECONDS)
        cache.save(film, steps, stamp_of(film))
        events = [dict(segment=[begin, end], label="up")] if number else []
        subset = "training" if number < 8 else "validation"
        database[film.stem] = dict(subset=subset, duration=SECONDS, annotations=events)
    (folder / "events.json").write_text(json.dumps(dict(database=database)))
    return folder


def data_sets(folder):
    def loader(subset):
        dataset = dict(
            type="UntrimmedVideoDataset",
            ann_file=str(folder / "events.json"),
            subset=subset,
            data_prefix=dict(video=str(folder)),
            pipeline=[],
        )
        return dict(dataset=dataset)

    return dict(
        train_dataloader=loader("training"),
        val_dataloader=loader("validation"),
        test_dataloader=loader("validation"),
    )


def test_annotation_and_features(place, tmp_path):
    said = []
    cache = FilmCache(place / "cache")
    write_mmaction2_csv(data_sets(place), cache, tmp_path, ROWS, warn=said.append)
    assert len(said) == 1 and "film_0.mp4 has no events" in said[0]
    entries = json.loads((tmp_path / "train.json").read_text())
    assert list(entries) == [f"v_film_{k}" for k in range(1, 8)]
    truth = json.loads((place / "events.json").read_text())["database"]
    for name, entry in entries.items():
        assert entry["duration_second"] == SECONDS
        corrected = entry["feature_frame"] // 16 * 16 / entry["duration_frame"]
        assert corrected == 1  # what MMAction2 multiplies the duration with
        (event,) = entry["annotations"]
        expected = truth[name[2:]]["annotations"][0]["segment"]
        np.testing.assert_allclose(event["segment"], expected, atol=1e-5)
        assert event["label"] == "up"
        header, *rows = (tmp_path / "csv" / f"{name}.csv").read_text().splitlines()
        assert header.startswith("rgb_0,rgb_1,") and header.endswith(",audio_63")
        assert [len(row.split(",")) for row in rows] == [192] * ROWS
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "csv").iterdir()}
    write_mmaction2_csv(data_sets(place), cache, tmp_path, ROWS)
    assert {p: p.stat().st_mtime_ns for p in before} == before
    mine = tmp_path / "results.json"
    mine.write_text("[]")
    with pytest.raises(ValueError, match=r"results\.json: expected a result file"):
        write_mmaction2_csv(data_sets(place), cache, tmp_path, proposals=[mine])


def run_of(name, folder, work_dir, tested="test"):
    """The config on a folder's features, small."""
    cfg = plain_config(CONFIGS[name])
    cfg.work_dir = str(work_dir)
    for split in ("train", "val", "test"):
        loader = cfg[f"{split}_dataloader"]
        loader.update(num_workers=0, persistent_workers=False)
        loader.dataset.ann_file = str(folder / f"{split}.json")
        loader.dataset.data_prefix.video = str(folder / "csv")
    cfg.test_dataloader.dataset.ann_file = str(folder / f"{tested}.json")
    cfg.train_dataloader.batch_size = 2
    cfg.val_evaluator.dump_config.out = str(work_dir / "results.json")
    cfg.test_evaluator.dump_config.out = str(work_dir / "results.json")
    cfg.model.temporal_dim = ROWS
    cfg.train_cfg.max_epochs = 1
    return Runner.from_cfg(cfg)


def ar_of(runner):
    scalars = runner.message_hub.log_scalars
    (name,) = (key for key in scalars if key.endswith("AR@100"))
    return scalars[name].current()


@pytest.mark.slow
def test_bmn_and_tcanet_train_on_tri_modal_features(place, tmp_path):
    cache, cfg = FilmCache(place / "cache"), data_sets(place)
    write_mmaction2_csv(cfg, cache, tmp_path, ROWS)
    assert set(CONFIGS) == {"bmn", "tcanet"}
    bmn = run_of("bmn", tmp_path, tmp_path / "bmn")
    bmn.train()
    assert math.isfinite(bmn.message_hub.get_scalar("train/loss").current())
    assert 0.5 < ar_of(bmn) <= 1

    proposals = {}
    for split in ("train", "val"):  # what BMN proposes for the videos of each
        test = run_of("bmn", tmp_path, tmp_path / f"bmn_{split}", split)
        test.model.load_state_dict(bmn.model.state_dict())
        test.test()
        found = json.loads((tmp_path / f"bmn_{split}" / "results.json").read_text())
        proposals.update(found["results"])
    assert len(proposals) == 11
    merged = tmp_path / "proposals.json"
    merged.write_text(json.dumps(dict(results=proposals)))
    write_mmaction2_csv(cfg, cache, tmp_path, ROWS, proposals=[merged])
    tcanet = run_of("tcanet", tmp_path, tmp_path / "tcanet")
    tcanet.train()
    assert math.isfinite(tcanet.message_hub.get_scalar("train/loss").current())
    assert 0.5 < ar_of(tcanet) <= 1
