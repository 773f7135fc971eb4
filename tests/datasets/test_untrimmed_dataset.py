"""The data set of untrimmed videos."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest
import torch
from mmaction.registry import DATASETS
from mmengine.registry import init_default_scope

from mmstconv.datasets import AnnotationError, BadDataError, UntrimmedVideoDataset
from mmstconv.media import write_media

CLIPS = [
    dict(type="OpenMedia"),
    dict(type="SampleClips", clip_len=4, fps=8),
    dict(type="LoadFrames"),
    dict(type="Resize", scale=(16, 16), keep_ratio=False),
    dict(type="FormatClips", modalities=["rgb"]),
    dict(
        type="PackActionInputs",
        collect_keys=["rgb"],
        algorithm_keys=["gt_instances"],
        meta_keys=["filename", "video_id", "duration", "clip_starts", "clip_duration"],
    ),
]


def entry(*events, subset="training", duration=4):
    annotations = [{"segment": [s, e], "label": label} for s, e, label in events]
    return {"subset": subset, "duration": duration, "annotations": annotations}


DATABASE = {
    "0007": entry((1, 2.5, "run"), (2, 3, "jump")),
    "quiet": entry(),
    "other": entry((0, 1, "swim"), subset="test"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("films")
    frames = np.random.default_rng(0).integers(0, 255, (32, 32, 32, 3), np.uint8)
    for name in ("0007.mp4", "quiet.mkv", "v_other.MP4"):
        write_media(folder / name.lower(), frames, 8)
    (folder / "v_other.mp4").rename(folder / "v_other.MP4")
    return folder


def build(folder, database=None, name="events.json", **options):
    path = folder / name
    path.write_text(json.dumps({"database": database or DATABASE}))
    init_default_scope("mmaction")
    options = {"subset": "training", "pipeline": CLIPS, **options}
    prefix = dict(video=str(folder))
    return UntrimmedVideoDataset(str(path), data_prefix=prefix, **options)


def test_samples(folder):
    data = build(folder)
    assert len(data) == 2  # a film without events stays
    assert data.metainfo["classes"] == ["jump", "run", "swim"]
    info = data.get_data_info(0)
    assert info["filename"] == str(folder / "0007.mp4")
    assert (info["video_id"], info["duration"]) == ("0007", 4)
    quiet = data.get_data_info(1)
    assert quiet["filename"] == str(folder / "quiet.mkv")
    assert quiet["gt_instances"].segments.shape == (0, 2)
    assert [data.get_cat_ids(k) for k in range(2)] == [[0, 1], []]
    assert DATASETS.get("UntrimmedVideoDataset") is UntrimmedVideoDataset


def test_a_clip_keeps_the_events_in_seconds_of_the_film(folder):
    sample = build(folder)[0]["data_samples"]
    torch.testing.assert_close(
        sample.gt_instances.segments, torch.tensor([[1, 2.5], [2, 3]])
    )
    assert sample.gt_instances.labels.tolist() == [1, 0]
    assert sample.clip_starts.shape == (1,) and sample.duration == 4
    again = pickle.loads(pickle.dumps(build(folder)))  # as a loader process gets it
    assert again[1]["data_samples"].gt_instances.labels.shape == (0,)
    assert again[0]["inputs"]["rgb"].shape == (1, 3, 4, 16, 16)


def test_instants(folder):
    table = folder / "instants.csv"
    table.write_text("file,time,label\n0007,1.25,hit\nquiet.mkv,,\n")
    data = UntrimmedVideoDataset(
        str(table), "csv", data_prefix=dict(video=str(folder)), pipeline=[]
    )
    assert data.get_data_info(0)["gt_instances"].times.tolist() == [1.25]
    assert data.get_data_info(1)["gt_instances"].times.shape == (0,)


def test_names_of_files(folder):
    data = build(folder, subset="test", filename_tmpl="v_{}")
    assert data.get_data_info(0)["filename"] == str(folder / "v_other.MP4")
    with pytest.raises(ValueError, match="filename_tmpl"):
        build(folder, filename_tmpl="v_")
    data = build(folder, {"../x": entry()}, check_files=False, allow_outside=True)
    assert data.get_data_info(0)["filename"] == str(folder / "../x")
    with pytest.raises(AnnotationError, match=r"lies outside of .* allow_outside=True"):
        build(folder, {"../x": entry()})
    with pytest.raises(ValueError, match=r"s3://x.* is not on this machine"):
        UntrimmedVideoDataset("a.json", data_prefix=dict(video="s3://x"), pipeline=[])


def test_one_file_has_one_name(folder, tmp_path):
    """Two spellings would be two films, of which each lacks events of the other."""
    database = {name: entry((1, 2, "run")) for name in ("0007", "0007.mp4", "./0007")}
    with pytest.raises(AnnotationError) as raised:
        build(folder, database)
    said = str(raised.value)
    assert ": 0007.mp4: is the file of " in said and ": ./0007: is the file of " in said


def test_missing_and_ambiguous_files(folder, tmp_path):
    database = {"no1": entry(), "no2": entry(), "0007": entry()}
    with pytest.raises(FileNotFoundError) as caught:
        build(folder, database)
    assert "2 of 3 media files not found" in str(caught.value)
    assert "no1" in str(caught.value) and "no2" in str(caught.value)
    frames = np.zeros((2, 16, 16, 3), np.uint8)
    for name in ("0007.mp4", "0007.webm"):
        (tmp_path / name).touch()
    write_media(tmp_path / "whole.mp4", frames, 8)
    with pytest.raises(AnnotationError, match=r"any of 0007.mp4, 0007.webm; name it"):
        build(tmp_path, {"0007": entry()})
    assert len(build(tmp_path, {"0007.mp4": entry(), "whole": entry()})) == 2
    with pytest.raises(FileNotFoundError, match=r"the folder .*none does not exist"):
        path = str(tmp_path / "events.json")
        UntrimmedVideoDataset(path, data_prefix=dict(video=f"{tmp_path}/none"))


def test_everything_wrong_is_one_error(folder):
    database = {"0007": entry((2, 1, "run"), (5, 6, "run")), "none": entry()}
    with pytest.raises(AnnotationError) as caught:
        build(folder, database)
    assert len(caught.value.problems) == 3


def test_classes(folder, tmp_path):
    names = ["swim", "run", "jump"]
    data = build(folder, metainfo=dict(classes=names))
    assert data.get_data_info(0)["gt_instances"].labels.tolist() == [1, 2]
    (tmp_path / "names.txt").write_text("jump\nrun\nswim\nfly\n")
    data = build(folder, metainfo=dict(classes=str(tmp_path / "names.txt")))
    assert data.metainfo["classes"] == ["jump", "run", "swim", "fly"]
    with pytest.raises(AnnotationError, match="'jump' is none of the 1 classes"):
        build(folder, metainfo=dict(classes=["run"]))


def test_events_beyond_the_true_end(folder):
    database = {"0007": entry((1, 2, "run"), (3, 9, "run"), duration=10)}
    assert len(build(folder, database)) == 1
    with pytest.raises(AnnotationError, match=r"3 to 9 s: the file .* ends at 4\.00 s"):
        build(folder, database, check_lengths=True)


def test_bad_files_are_replaced_or_flagged(folder):
    (folder / "broken.mp4").write_bytes(b"no video" * 100)
    database = {"broken": entry((0, 1, "run")), "0007": entry((1, 2, "run"))}
    data = build(folder, database)
    data.tolerate(3)
    sample = data[0]["data_samples"]
    assert sample.video_id == "0007" and "broken.mp4" in sample.replaced[0][0]
    data = build(folder, database, test_mode=True)
    data.tolerate(3)
    sample = data[0]["data_samples"]
    assert sample.failure and sample.gt_instances.segments.tolist() == [[0, 1]]
    with pytest.raises(BadDataError):
        data = build(folder, {"broken": entry()})
        data.tolerate(3)
        data[0]
