"""Broken files through the data set and a loader process: every sample comes back."""

from __future__ import annotations

import pytest
import torch
from helpers_fuzz import CORPUS, mutate, write_corpus
from mmaction.registry import TRANSFORMS
from mmaction.utils import register_all_modules
from mmengine.dataset import pseudo_collate
from torch.utils.data import DataLoader

from mmstconv.datasets import MultiModalVideoDataset

register_all_modules(init_default_scope=True)

COUNT = 76
MODALITIES = ["rgb", "flow", "audio"]


@pytest.fixture
def folder(tmp_path):
    """Four mutations of each container."""
    whole = write_corpus(tmp_path)
    names = []
    for number in range(COUNT):
        source = whole[number % len(whole)]
        names.append(f"{number}-{source.name}")
        content = mutate(source.read_bytes(), f"data {number}")
        (tmp_path / names[-1]).write_bytes(content)
    (tmp_path / "list.txt").write_text("".join(f"{name} 0\n" for name in names))
    return tmp_path


def dataset(folder):
    steps = [
        dict(type="OpenMedia", timeout=10.0),
        dict(type="SampleClips", clip_len=4, fps=12, num_clips=2, test_mode=True),
        dict(type="LoadFrames"),
        dict(type="LoadWaveform"),
        dict(type="Resize", scale=(32, 32), keep_ratio=False),
        dict(type="ComputeFlow"),
        dict(type="LogMel"),
        dict(type="FormatClips"),
        dict(type="PackActionInputs", collect_keys=MODALITIES, meta_keys=["presence"]),
    ]
    data = MultiModalVideoDataset(
        str(folder / "list.txt"),
        pipeline=[TRANSFORMS.build(step) for step in steps],
        data_prefix=dict(video=str(folder)),
        test_mode=True,
    )
    data.tolerate(1)
    return data


def test_every_sample_comes_back(folder):
    data = dataset(folder)
    loader = DataLoader(
        data, batch_size=1, num_workers=1, collate_fn=pseudo_collate, timeout=60
    )
    shapes, outcomes = set(), []
    for number, batch in enumerate(loader):
        (sample,) = batch["data_samples"]
        assert sample.filename == data.get_data_info(number)["filename"]
        inputs = {name: batch["inputs"][name][0] for name in MODALITIES}
        assert all(torch.isfinite(value.float()).all() for value in inputs.values())
        shapes.add(tuple((value.shape, value.dtype) for value in inputs.values()))
        present = [bool(sample.presence[name]) for name in MODALITIES]
        failure = sample.get("failure")
        if failure:
            assert not any(present)
            assert not inputs["rgb"].any() and not inputs["flow"].any()
        else:
            assert any(present)
        outcomes.append(
            "failure" if failure else "damage" if sample.get("damage") else "ok"
        )
    assert len(outcomes) == COUNT and len(shapes) == 1
    counts = {name: outcomes.count(name) for name in set(outcomes)}
    print(f"\n{counts}, of {len(CORPUS)} containers")
    assert min(counts.get(name, 0) for name in ("failure", "damage", "ok")) > 5
