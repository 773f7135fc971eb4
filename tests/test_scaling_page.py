"""docs/scaling.md: its configs are read, and find what it says."""

from __future__ import annotations

import re

from conftest import ROOT
from mmaction.registry import DATASETS
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmstconv.datasets import ShardedVideoDataset
from mmstconv.datasets.shard_writing import write_shards

PAGE = (ROOT / "docs/scaling.md").read_text(encoding="utf-8")
FETCHED, SHARDED = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def dataset(cfg, name: str):
    init_default_scope("mmaction")
    return DATASETS.build(cfg[f"{name}_dataloader"].dataset)


def test_its_configs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "videos").mkdir()
    (tmp_path / "data/shards").mkdir(parents=True)
    (tmp_path / "videos/a.mp4").write_bytes(b"film")
    for name in ("train", "val"):
        (tmp_path / f"data/{name}.txt").write_text("a.mp4 2\n")
    folder = tmp_path / "videos"
    list(write_shards([("a.mp4", [1])], folder, tmp_path / "data/shards", "train", 1))
    (tmp_path / "my_videos.py").write_text(FETCHED)
    cfg = Config.fromfile("my_videos.py")
    found = dataset(cfg, "val")
    first, second = found.pipeline.transforms[:2]
    assert [type(one).__name__ for one in (first, second)] == [
        "FetchMedia",
        "OpenMedia",
    ]
    assert found.get_data_info(0)["filename"] == "s3://bucket/videos/a.mp4"
    (tmp_path / "my_shards.py").write_text('_base_ = ["my_videos.py"]\n' + SHARDED)
    found = dataset(Config.fromfile("my_shards.py"), "train")
    assert type(found) is ShardedVideoDataset
    assert found.get_data_info(0)["label"] == 1
