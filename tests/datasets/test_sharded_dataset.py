"""Tars of samples: as files are, in any order, with faults, here and elsewhere."""

from __future__ import annotations

import io
import json
import tarfile

import numpy as np
import pytest
import torch
from helpers_media import write_coded
from helpers_remote import http_site
from mmaction.registry import TRANSFORMS
from mmengine.dataset import pseudo_collate
from torch.utils.data import DataLoader

from mmstconv.datasets import (
    AnnotationError,
    MultiModalVideoDataset,
    ResumableSampler,
    ShardedVideoDataset,
)
from mmstconv.datasets.shard_writing import write_shards
from mmstconv.datasets.shards import expanded
from mmstconv.media import MediaError

COUNT = 7
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


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Files of different lengths; number 3 is mute, number 5 another container."""
    folder = tmp_path_factory.mktemp("videos")
    sound = dict(waveform=np.zeros(16000, np.float32) + 0.1, sample_rate=16000)
    for k in range(COUNT):
        options = {} if k == 3 else sound
        write_coded(folder / f"v {k}.{'mkv' if k == 5 else 'mp4'}", 12 + k, **options)
    return folder


def rows(folder):
    return [(path.name, [k]) for k, path in enumerate(sorted(folder.glob("v*")))]


@pytest.fixture(scope="module")
def shards(folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("shards")
    assert len(list(write_shards(rows(folder), folder, out, "train", 3))) == 3
    return out


def dataset(ann_file, fetch=None, **kwargs):
    steps = [TRANSFORMS.build(step) for step in [fetch, *PIPELINE] if step]
    return ShardedVideoDataset(ann_file, pipeline=steps, **kwargs)


def by_label(data) -> dict[int, tuple]:
    found = {}
    for sample in data:
        meta = sample["data_samples"]
        label = int(meta.gt_label)
        assert label not in found
        found[label] = (sample["inputs"], meta.metainfo["presence"])
    return found


def assert_as_files(data, folder):
    files = folder.parent / "list.txt"
    files.write_text("".join(f"{name} {label[0]}\n" for name, label in rows(folder)))
    steps = [TRANSFORMS.build(step) for step in PIPELINE]
    prefix = dict(video=str(folder))
    here = MultiModalVideoDataset(str(files), steps, data_prefix=prefix, test_mode=True)
    found, expected = by_label(data), by_label(here)
    assert found.keys() == expected.keys()
    for label, (inputs, presence) in expected.items():
        assert found[label][1] == presence
        for name, value in inputs.items():
            assert torch.equal(found[label][0][name], value), (label, name)
    assert [k for k, (_, presence) in found.items() if not presence["audio"]] == [3]


def test_samples_are_those_of_the_files(shards, folder):
    for ann_file in (
        f"{shards}/train.index.json",
        f"{shards}/train-{{000000..000002}}.tar",
        f"{shards}/train-*.tar",
        [f"{shards}/train-00000{k}.tar" for k in range(3)],
    ):
        data = dataset(ann_file, test_mode=True, num_classes=COUNT)
        assert_as_files(data, folder)
    assert data.get_cat_ids(0) == [data.get_data_info(0)["label"]]
    below = dataset("train.index.json", test_mode=True, data_root=str(shards))
    assert len(below) == COUNT


def test_tars_of_the_webdataset_package_and_for_it(shards, folder, tmp_path):
    wds = pytest.importorskip("webdataset")
    with wds.ShardWriter(str(tmp_path / "a-%06d.tar"), maxcount=3, verbose=0) as sink:
        for name, (label,) in rows(folder):
            media = {name.rpartition(".")[2]: (folder / name).read_bytes()}
            sink.write({"__key__": f"sub/{name[:3]}", **media, "cls": label})
    data = dataset(f"{tmp_path}/a-{{000000..000002}}.tar", test_mode=True)
    assert_as_files(data, folder)
    assert data.get_data_info(0)["filename"] == f"{tmp_path}/a-000000.tar/sub/v 0.mp4"
    ours = wds.WebDataset(f"{shards}/train-{{000000..000002}}.tar", shardshuffle=False)
    found = {json.loads(one["json"])["name"]: one for one in ours}
    assert sorted(found) == [name for name, _ in rows(folder)]
    for name, (label,) in rows(folder):
        media = found[name][name.rpartition(".")[2]]
        assert media == (folder / name).read_bytes()
        assert found[name]["cls"] == str(label).encode()


def test_elsewhere(shards, folder):
    pytest.importorskip("aiohttp")
    fetch = dict(type="FetchMedia", retries=0, timeout=5)
    with http_site() as site:
        for path in shards.iterdir():
            site.files[f"/s/{path.name}"] = path.read_bytes()
        data = dataset(site.url + "s/train.index.json", fetch, test_mode=True)
        assert len(site.asked) == 2  # nothing of the tars
        assert_as_files(data, folder)
        assert len(site.asked) == 2 + COUNT
        pattern = site.url + "s/train-{000000..000002}.tar"
        assert_as_files(dataset(pattern, fetch, test_mode=True), folder)
        with pytest.raises(ValueError, match=r"put dict.type='FetchMedia'"):
            dataset(pattern)
        site.faults, site.always = ["status:404"], True
        with pytest.raises(FileNotFoundError, match="train-000000"):
            data[0]


def test_an_epoch_has_each_sample_once_under_loaders_and_processes(shards):
    """And differs from the next; one that was interrupted goes on where it was."""
    data = dataset(f"{shards}/train.index.json", test_mode=True)
    epochs = []
    for epoch in range(2):
        seen = []
        for rank in range(2):
            sampler = ResumableSampler(data, shuffle=True, seed=1, round_up=False)
            sampler.rank, sampler.world_size = rank, 2
            sampler.num_samples = (COUNT - rank + 1) // 2
            sampler.set_epoch(epoch)
            loader = DataLoader(
                data, 2, sampler=sampler, num_workers=2, collate_fn=pseudo_collate
            )
            batches = [x["data_samples"] for x in loader]
            own = [int(one.gt_label) for batch in batches for one in batch]
            sampler.start_after(2)
            rest = [data.get_data_info(int(k))["label"] for k in sampler]
            assert rest == own[2:]
            seen += own
        assert sorted(seen) == list(range(COUNT))
        epochs.append(seen)
    assert epochs[0] != epochs[1]


def tar_of(path, **members: bytes):
    with tarfile.open(path, "w") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name.replace("__", "."))
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return str(path)


def test_labels(folder, tmp_path):
    film = (folder / "v 0.mp4").read_bytes()
    several = tar_of(
        tmp_path / "a.tar",
        a__mp4=film, a__cls=b"1 4\n",
        b__mp4=film, b__json=b'{"labels": [2], "name": "x"}',
        c__mp4=film, c__json=b'{"labels": []}',
    )  # fmt: skip
    data = dataset(several, multi_class=True, num_classes=5)
    found = [data.get_data_info(k)["label"].nonzero()[:, 0] for k in range(3)]
    assert [labels.tolist() for labels in found] == [[1, 4], [2], []]
    data[0]
    with pytest.raises(AnnotationError, match=r"a\.mp4: has the labels \[1, 4\]"):
        dataset(several)
    wrong = tar_of(
        tmp_path / "b.tar",
        a__mp4=film, a__cls=b"7", b__mp4=film, c__mp4=film, c__json=b'{"label": -1}',
    )  # fmt: skip
    with pytest.raises(AnnotationError) as caught:
        dataset(wrong, num_classes=5)
    assert [line.partition(".tar/")[2] for line in caught.value.problems] == [
        "a.mp4: label 7 is outside of the classes (0 to 4)",
        "b.mp4: has no label, but others have one",
        "c.mp4: label -1 is outside of the classes (0 to 4)",
    ]
    unlabelled = dataset(tar_of(tmp_path / "c.tar", a__mp4=film), test_mode=True)
    assert unlabelled.get_data_info(0)["label"] == -1
    (tmp_path / "classes.txt").write_text("run\njump\n")
    assert dataset(tar_of(tmp_path / "d.tar", a__mp4=film, a__cls=b"1")).metainfo[
        "classes"
    ] == ["run", "jump"]


def test_what_is_broken_is_named_and_the_rest_is_used(folder, tmp_path):
    film = (folder / "v 0.mp4").read_bytes()
    broken = tar_of(
        tmp_path / "a.tar",
        a__mp4=film, a__cls=b"0", b__cls=b"1", c__mp4=b"no video", c__cls=b"1",
        d__mp4=film, d__cls=b"one", e__mp4=film, e__cls=b"2",
    )  # fmt: skip
    whole = (tmp_path / "a.tar").read_bytes()
    (tmp_path / "b.tar").write_bytes(whole[: len(film) + 700])
    (tmp_path / "c.tar").write_bytes(whole[: len(film) // 2])
    (tmp_path / "d.tar").write_bytes(b"no tar at all" * 100)
    data = dataset(broken, test_mode=True)
    assert [data.get_data_info(k)["label"] for k in range(len(data))] == [0, 1, 2]
    with pytest.raises(MediaError, match=r"a\.tar/c\.mp4: does not start like"):
        data[1]
    data.tolerate(3)
    assert "does not start" in data[1]["data_samples"].metainfo["failure"]
    assert "failure" not in data[2]["data_samples"].metainfo
    for name in "bcd":  # its end, all but its beginning, everything
        with pytest.raises(AnnotationError, match="has no sample"):
            dataset(f"{tmp_path}/{name}.tar")
    cut = [broken, f"{tmp_path}/b.tar"]
    assert len(dataset(cut)) == 3
    problems = [text for one in data._shards() for text in one.problems]
    assert [text.partition("a.tar/")[2] for text in problems] == [
        "b: has no media file, only .cls",
        "d.cls: is no label: invalid literal for int() with base 10: 'one'",
    ]


def test_an_index_that_does_not_fit_is_told(shards, tmp_path):
    with pytest.raises(ValueError, match="is no index of shards"):
        (tmp_path / "list.txt").write_text("a.mp4 0\n")
        dataset(f"{tmp_path}/list.txt")
    for path in shards.glob("train*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "train-000001.tar").write_bytes(b"x")
    (tmp_path / "train-000002.tar").unlink()
    said = r"(?s)000001.tar has changed since.*000002.tar does not exist"
    with pytest.raises(FileNotFoundError, match=said):
        dataset(f"{tmp_path}/train.index.json")
    with pytest.raises(FileNotFoundError, match=r"there is no shard .*none-\*"):
        dataset(f"{tmp_path}/none-*.tar")


def test_patterns():
    assert expanded("a-{08..11}.tar") == [f"a-{k:02d}.tar" for k in (8, 9, 10, 11)]
    assert expanded("{0..1}{0..1}") == ["00", "01", "10", "11"]
    assert expanded("s3://b/a.tar") == ["s3://b/a.tar"]
