"""Data sets of films and of windows whose files are elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from helpers_remote import http_site
from mmaction.registry import DATASETS
from mmengine.registry import init_default_scope

from mmstconv.datasets import AnnotationError
from mmstconv.media import write_media

FETCH = dict(type="FetchMedia", timeout=5, retries=0)
WINDOW = [
    dict(type="OpenMedia"),
    dict(type="SampleWindow", clip_len=4, fps=8),
    dict(type="LoadFrames"),
    dict(type="FormatClips", modalities=["rgb"]),
    dict(type="PackActionInputs", collect_keys=["rgb"], meta_keys=["filename"]),
]
CLIPS = [
    WINDOW[0],
    dict(type="SampleClips", clip_len=4, fps=8, test_mode=True),
    *WINDOW[2:],
]
KINDS = {  # the list's line of {}, the pipeline
    "MultiModalSegmentDataset": ("{} 0.5 1.5 0", CLIPS),
    "CaptionDataset": ("{},0.5,1.5,a dog runs", CLIPS),
    "FrameSequenceDataset": ("{}", WINDOW),
}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    pytest.importorskip("aiohttp")
    path = tmp_path_factory.mktemp("films") / "a.mp4"
    frames = np.random.default_rng(0).integers(0, 255, (24, 32, 32, 3), np.uint8)
    write_media(path, frames, 8)
    with http_site() as site:
        site.folder = path.parent
        site.files["/v/a.mp4"] = path.read_bytes()
        yield site


def build(kind, tmp_path, name, prefix="", fetch=FETCH, **options):
    init_default_scope("mmaction")
    line, steps = KINDS[kind]
    head = "file,start,end,text\n" if kind == "CaptionDataset" else ""
    (tmp_path / "list.csv").write_text(head + line.format(name) + "\n")
    options = {"ann_file": str(tmp_path / "list.csv"), "test_mode": True, **options}
    pipeline = [fetch, *steps] if fetch else steps
    prefix = dict(video=str(prefix))
    return DATASETS.build(
        dict(type=kind, data_prefix=prefix, pipeline=pipeline, **options)
    )


def test_items_are_those_of_the_files(site, tmp_path):
    culprits = []
    for kind in KINDS:
        here = build(kind, tmp_path, "a.mp4", site.folder, fetch=None)[0]["inputs"]
        for name, prefix in (
            ("a.mp4", site.url + "v"),
            (site.url + "v/a.mp4?sig=hunter2", ""),
        ):
            item = build(kind, tmp_path, name, prefix)[0]
            if not torch.equal(item["inputs"]["rgb"], here["rgb"]):
                culprits.append((kind, name))
    assert not culprits


def test_what_cannot_be_read_is_told_at_once(site, tmp_path):
    secret = site.url + "v?sig=hunter2"
    for kind in KINDS:
        with pytest.raises(ValueError, match=r"put dict.type='FetchMedia'") as e:
            build(kind, tmp_path, "a.mp4", secret, fetch=None)
        assert "hunter2" not in str(e.value), kind
        with pytest.raises(AnnotationError, match="FetchMedia") as e:
            build(kind, tmp_path, site.url + "a.mp4?sig=hunter2", fetch=None)
        assert "hunter2" not in str(e.value), kind
        with pytest.raises(ValueError, match="cannot read petrel://"):
            build(kind, tmp_path, "petrel://b/a.mp4")
    with pytest.raises(AnnotationError, match=r"v/a has no suffix.*filename_tmpl"):
        build("CaptionDataset", tmp_path, "a", site.url + "v")
    with pytest.raises(ValueError, match="not listed; name the videos in a list"):
        build("FrameSequenceDataset", tmp_path, "", site.url + "v", ann_file="")
    with pytest.raises(ValueError, match=r"not found: http.*none\.mp4"):
        build("FrameSequenceDataset", tmp_path, site.url + "none.mp4?sig=hunter2")
