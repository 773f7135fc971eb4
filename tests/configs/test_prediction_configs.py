"""Every config of frames to come, on small files of its layout."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from conftest import plain_config
from helpers_media import chirp_sound, write_coded
from mmengine.runner import Runner

from mmstconv.datasets.sequences.kth_dataset import CLASSES
from mmstconv.evaluation.frames import MEASURES

ROOT = Path(__file__).resolve().parents[2] / "configs/prediction"
OWN, KTH, MNIST = (
    next((ROOT / name).glob("*.py")) for name in ("own_videos", "kth", "moving_mnist")
)


def own_videos(folder: Path) -> None:
    sound = dict(waveform=chirp_sound(3, 1, 16000), sample_rate=16000)
    for split in ("train", "val"):
        (folder / "data/videos" / split).mkdir(parents=True)
        write_coded(folder / "data/videos" / split / "heard.mp4", 30, 10, **sound)
        write_coded(folder / "data/videos" / split / "silent.mp4", 30, 10)


def kth(folder: Path) -> None:
    for name in CLASSES:
        (folder / "data/kth" / name).mkdir(parents=True)
        for person in (1, 20):
            path = folder / f"data/kth/{name}/person{person:02}_{name}_d1_uncomp.avi"
            write_coded(path, 40, 25, width=160, height=120, video_codec="mpeg4")


def moving_mnist(folder: Path) -> None:
    (folder / "data/moving_mnist").mkdir(parents=True)
    frames = np.random.default_rng(0).integers(0, 256, (20, 2, 64, 64), dtype=np.uint8)
    np.save(folder / "data/moving_mnist/mnist_test_seq.npy", frames)


@pytest.mark.parametrize(
    ("path", "write", "channels", "future"),
    [
        (OWN, own_videos, 3, 8),
        pytest.param(KTH, kth, 1, 20, marks=pytest.mark.slow),
        pytest.param(MNIST, moving_mnist, 1, 10, marks=pytest.mark.slow),
    ],
    ids=lambda one: getattr(one, "stem", None),
)
def test_one_epoch_and_a_test(path, write, channels, future, tmp_path, monkeypatch):
    write(tmp_path)
    monkeypatch.chdir(tmp_path)
    cfg = plain_config(path)
    cfg.work_dir = str(tmp_path / "run")
    for split in ("train", "val", "test"):
        loader = cfg[f"{split}_dataloader"]
        loader.update(num_workers=0, persistent_workers=False, batch_size=2)
        if loader.dataset.type == "MovingDigitsDataset":
            loader.dataset.count = 2
        elif "windows" in loader.dataset:
            loader.dataset.windows = 1
    cfg.train_cfg.update(max_epochs=1, val_interval=1)
    cfg.param_scheduler = []  # warm-up alone is longer
    cfg.test_evaluator.lpips = False
    cfg.model.score_subsets = path == OWN
    cfg.test_evaluator.out_dir = str(tmp_path / "report")
    runner = Runner.from_cfg(cfg)
    runner.train()
    assert math.isfinite(runner.message_hub.get_scalar("train/loss").current())
    assert list((tmp_path / "run").glob("best_frames_psnr_range1_epoch_1.pth"))
    measures = dict(runner.test())
    assert measures.pop("bad_samples") == 0
    endings = ("", "/last_frame", "/flow")
    wanted = {f"frames/{name}{ending}" for name in MEASURES for ending in endings}
    assert np.isfinite(list(measures.values())).all()
    if path == OWN:
        for name in ("psnr_range1/rgb+audio", "shapley/audio", "margin/best_stream"):
            assert f"frames/{name}" in measures
        measures = {k: v for k, v in measures.items() if k in wanted}
    assert wanted == set(measures)
    report = runner.test_evaluator.metrics[0].report
    assert [row["horizon"] for row in report["classes"]] == [*range(1, future + 1)]
    frames = runner.test_dataloader.dataset[0]["data_samples"].gt_frames
    assert frames.shape[:2] == (channels, future)
