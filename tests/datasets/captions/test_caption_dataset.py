"""The data set of captions: samples of segments and of films."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest
import torch
from mmaction.registry import DATASETS
from mmengine.registry import init_default_scope

from mmstconv.datasets import AnnotationError, CaptionDataset
from mmstconv.media import write_media

CSV = (
    "file,start,end,text\n"
    "0007,0,2,a square moves\n"
    "other.mkv,,,nothing happens\n"
    "0007,1,3,it turns\n"
    "0007,0,2.0,a thing goes\n"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("films")
    frames = np.random.default_rng(0).integers(0, 255, (32, 32, 32, 3), np.uint8)
    for name in ("0007.mp4", "other.mkv", "two.mp4", "two.mkv"):
        write_media(folder / name, frames, 8)  # four seconds
    return folder


def build(folder, text=CSV, name="captions.csv", **options):
    path = folder / name
    path.write_text(text if isinstance(text, str) else json.dumps(text))
    init_default_scope("mmaction")
    options = dict(data_prefix=dict(video=str(folder)), pipeline=[]) | options
    return DATASETS.build(dict(type="CaptionDataset", ann_file=str(path), **options))


def test_a_sample_is_a_segment_with_all_its_sentences(folder):
    data = build(folder)
    keys = ("filename", "gt_captions", "segment")
    found = [[data.get_data_info(k).get(key) for key in keys] for k in range(len(data))]
    film, other = str(folder / "0007.mp4"), str(folder / "other.mkv")
    assert found == [
        [film, ["a square moves", "a thing goes"], (0, 2)],
        [film, ["it turns"], (1, 3)],
        [other, ["nothing happens"], None],
    ]
    assert "segment" not in data.get_data_info(2)
    assert data.sentences() == [text for row in found for text in row[1]]
    again = pickle.loads(pickle.dumps(data))
    assert again.get_data_info(1) == data.get_data_info(1)
    assert isinstance(data, CaptionDataset)


def test_sentences_go_through_a_pipeline_of_clips(folder):
    keys = ["gt_captions"]
    pipeline = [
        dict(type="OpenMedia"),
        dict(type="SampleClips", clip_len=4, fps=8),
        dict(type="LoadFrames"),
        dict(type="Resize", scale=(16, 16), keep_ratio=False),
        dict(type="FormatClips", modalities=["rgb"]),
        dict(type="PackActionInputs", collect_keys=["rgb"], algorithm_keys=keys),
    ]
    sample = build(folder, pipeline=pipeline)[0]
    assert sample["data_samples"].gt_captions == ["a square moves", "a thing goes"]
    assert sample["inputs"]["rgb"].shape[-2:] == (16, 16)


def test_a_broken_file_comes_without_its_segment(folder, tmp_path):
    (tmp_path / "0007.mp4").write_bytes(b"no video")
    pipeline = [
        dict(type="OpenMedia"),
        dict(type="SampleClips", clip_len=4, fps=8),
        dict(type="LoadFrames"),
        dict(type="FormatClips", modalities=["rgb"]),
        dict(type="PackActionInputs", collect_keys=["rgb"], meta_keys=["presence"]),
    ]
    text = "file,start,end,text\n0007,2,3,a square moves\n"
    data = build(tmp_path, text, pipeline=pipeline, test_mode=True)
    data.tolerate(1)
    sample = data[0]["data_samples"]
    assert "media container" in sample.failure and not sample.presence["rgb"]


def test_one_file_has_one_name(folder):
    """Two spellings would be two samples, of which each lacks the other's sentences."""
    with pytest.raises(AnnotationError, match=r"csv:3: is the file of .*csv:2, 0007"):
        build(folder, "file,start,end,text\n0007,0,2,one\n0007.mp4,0,2,two\n")


def test_what_is_read_beside_the_files_has_to_be_there(folder):
    steps = [dict(type="LoadFlowImages", directory=str(folder / "{stem}"))]
    with pytest.raises(FileNotFoundError, match="LoadFlowImages"):
        build(folder, pipeline=steps)


def test_dense_samples_are_films_with_both_peoples_segments(folder):
    def entry(*sentences):
        times = [times for times, _ in sentences]
        texts = [text for _, text in sentences]
        return {"0007": dict(duration=4, timestamps=times, sentences=texts)}

    (folder / "val_2.json").write_text(json.dumps(entry(([0, 2], " It starts."))))
    first = entry(([0, 2], "A start."), ([1, 4], " An end."), ([0, 2], "Again."))
    options = dict(format="activitynet_captions", more_ann_files=["val_2.json"])
    data = build(folder, first, "val_1.json", dense=True, **options)
    info = data.get_data_info(0)
    assert len(data) == 1 and info["duration"] == 4
    expected = torch.tensor([[0.0, 2], [1, 4], [0, 2]])
    torch.testing.assert_close(info["gt_segments"], expected)
    assert info["gt_segment_captions"] == [
        ["A start.", "Again."],
        ["An end."],
        ["It starts."],
    ]
    assert info["gt_segment_sources"].tolist() == [0, 0, 1]
    assert len(data.sentences()) == 4
    again = build(
        folder, first, "val_1.json", **options | dict(more_ann_files="val_2.json")
    )
    assert sorted(again.sentences()) == sorted(data.sentences())
    flat = build(folder, first, "val_1.json", **options)
    assert flat.get_data_info(0)["gt_captions"] == ["A start.", "Again.", "It starts."]
    with pytest.raises(ValueError, match=r"captions.csv:3: has no start and end"):
        build(folder, dense=True)


def test_all_that_is_wrong_at_once(folder):
    text = CSV + "gone,0,1,x\ntwo,0,1,y\n../out,0,1,z\n0007,3,2,w\n"
    with pytest.raises(AnnotationError) as caught:
        build(folder, text)
    path = str(folder / "captions.csv")
    outside = f"'../out' lies outside of {folder}"
    assert [line.replace(path, "FILE") for line in caught.value.problems] == [
        "FILE:9: 3 to 2 s: ends before it starts; mend=True leaves it out",
        "FILE:7: may be any of two.mkv, two.mp4; name it whole",
        f"FILE:8: {outside}; allow_outside=True of the data set accepts that",
        f"FILE:6: {folder}/gone does not exist, with no suffix",
    ]
    with pytest.raises(FileNotFoundError, match="1 of 3 media files not found"):
        build(folder, CSV + "gone,0,1,x\n")
    loose = build(folder, CSV + "gone,0,1,x\n", check_files=False)
    assert loose.get_data_info(3)["filename"] == str(folder / "gone")


def test_a_segment_beyond_the_end_of_the_file(folder):
    build(folder, check_lengths=True)
    text = CSV + "other.mkv,3,4.5,late\n"
    build(folder, text)
    with pytest.raises(AnnotationError, match=r"captions.csv:6: 3 to 4.5 s: the file"):
        build(folder, text, check_lengths=True)
