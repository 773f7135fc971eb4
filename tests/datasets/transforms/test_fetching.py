"""Samples that are elsewhere: as those of files here, or bad ones with a name."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import torch
from helpers_media import write_coded
from helpers_remote import http_site, s3_server
from mmaction.registry import TRANSFORMS

from mmstconv.datasets import (
    AnnotationError,
    BadDataError,
    FetchMedia,
    MultiModalVideoDataset,
)
from mmstconv.datasets.pieces import PiecePipeline
from mmstconv.datasets.probing import probe_presence
from mmstconv.media import MediaError
from mmstconv.media.remote import store

pytest.importorskip("aiohttp")
NAMES = ("a.mp4", "b c.mp4", "mute.mp4")
FETCH = dict(type="FetchMedia", retries=1, timeout=5)
PIPELINE = [
    dict(type="OpenMedia"),
    dict(type="SampleClips", clip_len=4, fps=10, test_mode=True),
    dict(type="LoadFrames", short_side=32),
    dict(type="LoadWaveform"),
    dict(type="RawAudio"),
    dict(type="FormatClips", modalities=["rgb", "audio"]),
    dict(
        type="PackActionInputs", collect_keys=["rgb", "audio"], meta_keys=["presence"]
    ),
]


@pytest.fixture(autouse=True)
def no_waits(monkeypatch):
    monkeypatch.setattr(store, "FIRST_WAIT", 0.001)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("videos")
    sound = dict(waveform=np.zeros(16000, np.float32) + 0.1, sample_rate=16000)
    for name in NAMES:
        write_coded(folder / name, 20, **({} if name == "mute.mp4" else sound))
    return folder


@pytest.fixture
def site(folder):
    with http_site() as site:
        for path in folder.iterdir():
            site.files[f"/v/{path.name.replace(' ', '%20')}"] = path.read_bytes()
        yield site


def dataset(tmp_path, lines, prefix=None, fetch=FETCH, **kwargs):
    (tmp_path / "list.txt").write_text("".join(f"{line}\n" for line in lines))
    return MultiModalVideoDataset(
        str(tmp_path / "list.txt"),
        pipeline=[TRANSFORMS.build(step) for step in [fetch, *PIPELINE] if step],
        data_prefix=dict(video=prefix or ""),
        **kwargs,
    )


def assert_same(data, here):
    assert len(data) == len(here)
    for one, other in zip(data, here):
        meta, its = (x["data_samples"].metainfo for x in (one, other))
        assert meta["presence"] == its["presence"]
        for name, value in other["inputs"].items():
            assert torch.equal(one["inputs"][name], value), (meta["filename"], name)


def test_a_prefix_and_whole_addresses_give_the_same_samples(site, folder, tmp_path):
    lines = [f"{name} {label}" for label, name in enumerate(NAMES)]
    here = dataset(tmp_path, lines, str(folder), fetch=None, test_mode=True)
    assert_same(dataset(tmp_path, lines, site.url + "v", test_mode=True), here)
    lines = [f"{site.url}v/{line}" for line in lines]
    there = dataset(tmp_path, lines, test_mode=True)
    assert_same(there, here)
    assert probe_presence(there, there.get_data_info(2))["audio"] is False
    loader = torch.utils.data.DataLoader(there, num_workers=2, collate_fn=list)
    assert_same([batch[0] for batch in loader], here)  # in processes of their own
    mixed = [str(folder / "a.mp4") + " 0", f"{site.url}v/a.mp4 0"]
    data = dataset(tmp_path, mixed)  # one here, one there
    assert torch.equal(data[0]["inputs"]["rgb"], data[1]["inputs"]["rgb"])


def test_from_an_object_store(folder, tmp_path, monkeypatch):
    s3fs = pytest.importorskip("s3fs")
    pytest.importorskip("moto")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKsEcReT")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
    with s3_server() as address:
        system = s3fs.S3FileSystem(endpoint_url=address)
        system.mkdir("bucket")
        for path in folder.iterdir():
            system.pipe_file(f"bucket/v/{path.name}", path.read_bytes())
        lines = [f"{name} {label}" for label, name in enumerate(NAMES)]
        here = dataset(tmp_path, lines, str(folder), fetch=None, test_mode=True)
        fetch = dict(FETCH, endpoint_url=address)
        there = dataset(tmp_path, lines, "s3://bucket/v", fetch, test_mode=True)
        assert_same(there, here)
        absent = dataset(tmp_path, ["none.mp4 0"], "s3://bucket/v", fetch)
        with pytest.raises(FileNotFoundError, match="not found: s3://bucket/v/none"):
            absent[0]
    gone = dataset(tmp_path, lines, "s3://bucket/v", dict(fetch, timeout=1, retries=0))
    with pytest.raises(MediaError, match=r"s3://bucket/v/a.mp4: cannot be fetched: "):
        gone[0]


def test_bad_samples_are_replaced_or_flagged_and_named(site, tmp_path, caplog):
    lines = [f"a.mp4?sig=hunter2{k} 0" for k in range(2)] + ["none.mp4?sig=hunter2 0"]
    data = dataset(tmp_path, lines, site.url + "v")
    data.tolerate(3)
    with caplog.at_level(logging.DEBUG, "mmengine"):
        sample = data[2]
    ((path, reason),) = sample["data_samples"].metainfo["replaced"]
    assert (path, reason) == (f"{site.url}v/none.mp4", "media file not found: " + path)
    site.always, site.faults = True, ["status:503"]
    with pytest.raises(BadDataError, match=r"v/a\.mp4: cannot be fetched: .*503") as e:
        data[0]
    flagged = dataset(tmp_path, lines, site.url + "v", test_mode=True)
    flagged.tolerate(3)
    meta = flagged[0]["data_samples"].metainfo
    assert "status 503" in meta["failure"]
    assert "hunter2" not in f"{e.value} {meta} {sample} {caplog.text}"


def test_mistakes_are_told_before_training(site, tmp_path):
    lines = [f"{site.url}v/{name} 0" for name in NAMES]
    with pytest.raises(AnnotationError, match=r"list.txt:3: .*FetchMedia.* before Ope"):
        dataset(tmp_path, lines, fetch=None)
    with pytest.raises(ValueError, match=r"data_prefix.* put dict.type='FetchMedia'"):
        dataset(tmp_path, ["a.mp4 0"], "s3://bucket/v", fetch=None)
    with pytest.raises(AnnotationError, match=r"list.txt:1: .* lies outside of http"):
        dataset(tmp_path, ["../a.mp4 0", "s3://other/a.mp4 0"], site.url + "v")
    with pytest.raises(ValueError, match="cannot read petrel://"):
        dataset(tmp_path, ["petrel://b/a.mp4 0"])
    with pytest.raises(ValueError, match=r"http://h/a.mp4: an address must not hold"):
        dataset(tmp_path, ["http://me:hunter2@h/a.mp4 0"])
    with pytest.raises(FileNotFoundError, match="does not exist"):
        dataset(tmp_path, ["a.mp4 0", f"{site.url}v/a.mp4 0"])
    assert not site.asked


def test_no_secrets_in_a_config():
    for options in (
        dict(key="hunter2"),
        dict(secret="hunter2"),
        dict(client_kwargs=dict(aws_session_token="hunter2")),
        dict(endpoint_url="http://me:hunter2@h"),
    ):
        with pytest.raises(ValueError, match="credential") as caught:
            FetchMedia(**options)
        assert "hunter2" not in str(caught.value)
    assert "h:9" not in repr(FetchMedia(endpoint_url="http://h:9", token="anon"))
    for wrong in (dict(timeout=0), dict(retries=-1), dict(retries=1.5)):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            FetchMedia(**wrong)


def test_a_long_video_is_fetched_too(site):
    """With the pipeline's FetchMedia, or without: a URL was asked for by name."""
    for steps in (PIPELINE, [FETCH, *PIPELINE]):
        pieces = PiecePipeline(steps)
        with pieces.open(site.url + "v/a.mp4") as media:
            frames, presence = pieces.frames(media, pieces.times(media.extent[0], 4))
        assert presence["rgb"] and frames["rgb"].shape[2] == 4
