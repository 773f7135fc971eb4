"""MMEngine's wrappers around our data set: classes, places, bad samples, resuming."""

from __future__ import annotations

import os
from collections import Counter

import pytest
import torch
from conftest import ROOT, data_options, plain_config
from engine.resume_run import (
    EVERY_OTHER_STEP,
    different,
    saved_state,
    train,
)
from helpers_media import write_coded
from mmaction.registry import DATASETS
from mmengine.registry import init_default_scope

from mmstconv.datasets import ResumableSampler
from mmstconv.randomness import SeededIndex

LABELS = [0, 0, 0, 1, 0, 0, 1, 0]  # a quarter of the second class
PIPELINE = [
    dict(type="OpenMedia"),
    dict(type="SampleClips", clip_len=2, fps=12),
    dict(type="LoadFrames"),
    dict(type="RandomResizedCrop"),
    dict(type="Resize", scale=(16, 16), keep_ratio=False),
    dict(type="FormatClips", modalities=["rgb"]),
    dict(type="PackActionInputs"),
]


@pytest.fixture(autouse=True)
def _scope():
    init_default_scope("mmaction")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Eight files, of which number 3 is text."""
    folder = tmp_path_factory.mktemp("wrapped")
    for number in range(8):
        write_coded(folder / f"{number}.mp4", 12, width=32, height=32)
    (folder / "3.mp4").write_text("no film\n" * 50)
    return folder


def own(folder, rows=LABELS, **kwargs):
    path = folder / f"{abs(hash(str(rows)))}.txt"
    path.write_text("".join(f"{n}.mp4 {row}\n" for n, row in enumerate(rows)))
    return dict(
        type="MultiModalVideoDataset",
        ann_file=str(path),
        data_prefix=dict(video=str(folder)),
        pipeline=PIPELINE,
        **kwargs,
    )


def wrapped(kind, *parts, **kwargs):
    inside = dict(datasets=parts) if kind == "ConcatDataset" else dict(dataset=parts[0])
    return dict(type=kind, **inside, **kwargs)


def balanced(part, share=0.5):
    return wrapped("ClassBalancedDataset", part, oversample_thr=share)


def test_rare_classes_are_repeated(folder):
    """By sqrt(threshold / frequency), as LVIS has it: sqrt(0.5 / 0.25), rounded up."""
    twice = wrapped("RepeatDataset", own(folder), times=2)
    joint = wrapped("ConcatDataset", own(folder), own(folder))
    for part, times in ((own(folder), 1), (twice, 2), (joint, 2)):
        data = DATASETS.build(balanced(part))
        assert len(data) == times * (6 + 2 * 2), part["type"]
        count = Counter(data.get_cat_ids(k)[0] for k in range(len(data)))
        assert count == {0: times * 6, 1: times * 4}, part["type"]


def test_several_labels_and_none(folder):
    rows = ["0", "0 2", "0", "0", "0", "0", "0", "1"]
    several = own(folder, rows, multi_class=True, num_classes=3)
    data = DATASETS.build(several)
    assert [data.get_cat_ids(k) for k in (0, 1, 7)] == [[0], [0, 2], [1]]
    assert len(DATASETS.build(balanced(several, 0.5))) == 6 + 2 * 2
    unlabelled = DATASETS.build(own(folder, [""] * 8))
    assert unlabelled.get_cat_ids(0) == []
    assert len(DATASETS.build(balanced(own(folder, [""] * 8)))) == 8


def test_a_repeated_sample_keeps_its_place(folder):
    """Each turn of a file is augmented by its own place, in whatever wrapper."""
    plain = DATASETS.build(own(folder))
    inner = [balanced(own(folder)), wrapped("RepeatDataset", own(folder), times=2)]
    for part in [*inner, wrapped("ConcatDataset", *inner)]:
        data = DATASETS.build(part)
        turns = [k for k in range(len(data)) if data.get_data_info(k)["label"] == 1]
        names = [os.path.basename(data.get_data_info(k)["filename"]) for k in turns]
        turns = [k for k, name in zip(turns, names) if name == "6.mp4"][:2]
        clips = [data[SeededIndex(k, (5, 0, k))]["inputs"] for k in turns]
        expected = [plain[SeededIndex(6, (5, 0, k))]["inputs"] for k in turns]
        assert all(map(torch.equal, clips, expected)), part["type"]
        assert not torch.equal(*clips), part["type"]


def test_the_sampler_covers_a_balanced_set(folder):
    data = DATASETS.build(balanced(own(folder)))
    sampler = ResumableSampler(data, seed=3)
    order = list(sampler)
    assert sorted(order) == list(range(10))
    sampler.start_after(4)
    assert list(sampler) == order[4:]


@pytest.mark.parametrize("sampler", [None, dict(type="ClassBalancedSampler")])
def test_resumed_with_a_bad_file_is_uninterrupted(demo_data, tmp_path, sampler):
    """Balanced sampling, a bad file among what is repeated, from the middle on."""
    (demo_data / "train" / "bad.mp4").write_text("no film\n" * 50)
    path = tmp_path / "train.txt"
    lines = (demo_data / "train.txt").read_text().splitlines()[:6]
    path.write_text("\n".join([*lines, "bad.mp4 7"]))

    def config(name):
        audio = ROOT / "configs/recognition/demo/stconvnet_lstm_demo-audio.py"
        cfg = plain_config(audio)
        cfg.merge_from_dict(data_options(demo_data, batch_size=2))
        cfg.work_dir, cfg.log_level = str(tmp_path / name), "WARNING"
        cfg.train_dataloader.dataset.ann_file = str(path)
        part = cfg.train_dataloader.dataset
        cfg.train_dataloader.dataset = balanced(part, 0.4)
        if sampler:
            part_of = cfg.train_dataloader
            part_of.dataset, part_of.sampler = part, sampler
        cfg.train_cfg.max_epochs = 1
        cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
        cfg.default_hooks.checkpoint = dict(EVERY_OTHER_STEP)
        cfg.default_hooks.bad_samples.max_share = 1.0
        return cfg

    try:
        train(config("whole"))
        train(config("resumed"), tmp_path / "whole" / "iter_2.pth")
    finally:
        (demo_data / "train" / "bad.mp4").unlink()
    last = sorted(path.name for path in (tmp_path / "whole").glob("iter_*.pth"))[-1]
    assert last != "iter_2.pth"
    states = [saved_state(tmp_path / name / last) for name in ("whole", "resumed")]
    assert different(*states) == []
    log = "".join(one.read_text() for one in (tmp_path / "whole").rglob("*.log"))
    assert "bad.mp4" in log
