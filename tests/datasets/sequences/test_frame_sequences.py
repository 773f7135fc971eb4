"""Windows of videos: where they lie, which files have none, KTH's folders."""

from __future__ import annotations

import logging

import numpy as np
import pytest
from helpers_media import numbers, write_coded
from mmaction.registry import DATASETS
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope

from mmstconv.datasets import AnnotationError, FrameSequenceDataset

FPS = 25
PIPELINE = [
    dict(type="OpenMedia"),
    dict(type="SampleWindow", clip_len=20, fps=FPS),
    dict(type="LoadFrames"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Files of 50, 30 and 10 frames; one in a folder of its own."""
    folder = tmp_path_factory.mktemp("videos")
    (folder / "more").mkdir()
    write_coded(folder / "a.mp4", 50, FPS)
    write_coded(folder / "more" / "b.mp4", 30, FPS)
    write_coded(folder / "short.mp4", 10, FPS)
    (folder / "notes.txt").write_text("no video")
    return folder


@pytest.fixture
def warned(caplog):
    logger = MMLogger.get_instance("sequences", logger_name="sequences")
    logger.addHandler(caplog.handler)
    return lambda: [
        one.getMessage() for one in caplog.records if one.levelno >= logging.WARNING
    ]


@pytest.fixture(autouse=True)
def scope():
    init_default_scope("mmaction")


def build(folder, kind="FrameSequenceDataset", pipeline=PIPELINE, **kwargs):
    prefix = dict(video=str(folder))
    return DATASETS.build(
        dict(type=kind, data_prefix=prefix, pipeline=pipeline, **kwargs)
    )


def test_windows_of_a_test(folder, warned):
    """50 frames have room for 30 more than the window: begins in the middle of each
    half of that."""
    dataset = build(folder, windows=2, test_mode=True)
    found = []
    for k in range(len(dataset)):
        sample = dataset[k]
        found.append((sample["filename"].split("/")[-1], numbers(sample["imgs"])))
    for name, frames in found:
        assert frames == list(range(frames[0], frames[0] + 21)), name
    assert [(name, frames[0]) for name, frames in found] == [
        ("a.mp4", 7),
        ("a.mp4", 22),
        ("b.mp4", 2),
        ("b.mp4", 7),
    ]
    (line,) = warned()
    assert "1 of 3 videos are left out" in line and "short.mp4: is 0.40 s" in line


def test_training_begins_anywhere(folder):
    np.random.seed(0)
    dataset = build(folder)
    assert len(dataset) == 2
    starts = {numbers(dataset[0]["imgs"])[0] for _ in range(30)}
    assert len(starts) > 10 and min(starts) >= 0 and max(starts) <= 30


def test_at_another_rate(folder):
    """Five frames a second: every fifth of the file."""
    slow = [PIPELINE[0], dict(type="SampleWindow", clip_len=5, fps=5), PIPELINE[2]]
    dataset = build(folder, pipeline=slow, test_mode=True)
    assert np.diff(numbers(dataset[0]["imgs"][:5])).tolist() == [5] * 4


def test_a_list_of_files(folder, tmp_path):
    path = tmp_path / "list.txt"
    path.write_text("more/b.mp4 3\na.mp4 0\n")
    dataset = build(folder, ann_file=str(path), test_mode=True)
    names = [dataset.get_data_info(k)["filename"] for k in range(len(dataset))]
    assert names == [f"{folder}/more/b.mp4", f"{folder}/a.mp4"]
    path.write_text("a.mp4\nz.mp4\ny.mp4\n")
    with pytest.raises(
        FileNotFoundError, match=r"2 of 3 videos not found\n.*list.txt:2"
    ):
        build(folder, ann_file=str(path))
    path.write_text("a.mp4\n../z.mp4\n")
    with pytest.raises(AnnotationError, match=r"list.txt:2: .* lies outside of"):
        build(folder, ann_file=str(path))


def test_what_is_no_folder_of_videos(folder, tmp_path):
    with pytest.raises(FileNotFoundError, match="no_folder does not exist"):
        build(tmp_path / "no_folder")
    with pytest.raises(ValueError, match="there are no videos in"):
        build(tmp_path)
    long = [PIPELINE[0], dict(type="SampleWindow", clip_len=80, fps=FPS), PIPELINE[2]]
    with pytest.raises(
        ValueError, match=r"no video is long enough .* 3.2 s .*a.mp4: is"
    ):
        build(folder, pipeline=long)
    with pytest.raises(ValueError, match="the pipeline must have SampleWindow"):
        build(folder, pipeline=[PIPELINE[0]])
    with pytest.raises(ValueError, match="windows must be a positive integer"):
        FrameSequenceDataset(windows=0)


def test_a_window_beyond_the_file(folder):
    dataset = build(folder, test_mode=True)
    info = dict(dataset.get_data_info(0), window_start=1.5)
    with pytest.raises(ValueError, match=r"a.mp4: a clip of 20 frames .* from 1.50 s"):
        dataset.pipeline(info)


def test_broken_files(folder, tmp_path, warned):
    """What cannot be opened is left out; what breaks later is flagged in testing."""
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).write_bytes((folder / "a.mp4").read_bytes())
    (tmp_path / "c.mp4").write_bytes(b"no video at all" * 100)
    dataset = build(tmp_path, test_mode=True, pipeline=[*PIPELINE, *PACK])
    assert len(dataset) == 2 and "c.mp4" in warned()[0]
    dataset.tolerate(1)
    (tmp_path / "b.mp4").unlink()
    assert "failure" not in dataset[0]["data_samples"]
    packed = dataset[1]
    assert "b.mp4" in packed["data_samples"].failure
    assert packed["data_samples"].presence == dict(rgb=False, flow=False)


PACK = [
    dict(type="FormatClips", modalities=["rgb"]),
    dict(
        type="PackActionInputs",
        collect_keys=("rgb",),
        meta_keys=("presence", "failure"),
    ),
]


@pytest.fixture(scope="module")
def kth(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kth")
    for action in ("boxing", "walking"):
        (folder / action).mkdir()
        for person in (1, 16, 17, 25):
            name = f"person{person:02}_{action}_d1_uncomp.avi"
            write_coded(folder / action / name, 24, FPS, video_codec="mpeg4")
    return folder


def test_persons_of_kth(kth):
    both = dict(classes=["boxing", "walking"], kind="KTHDataset")
    for persons, expected in (
        ("train", [1, 16]),
        ("test", [17, 25]),
        ([16, 17], [16, 17]),
    ):
        dataset = build(kth, persons=persons, test_mode=True, **both)
        names = [dataset.get_data_info(k)["filename"] for k in range(len(dataset))]
        found = [int(name.rsplit("person")[-1][:2]) for name in names]
        assert found == expected * 2, persons
    assert numbers(dataset[0]["imgs"])[0] == 2


def test_what_is_not_kth(kth, tmp_path):
    with pytest.raises(FileNotFoundError, match="no folder handclapping, handwaving"):
        build(kth, kind="KTHDataset")
    boxing = dict(kind="KTHDataset", classes=["boxing"])
    with pytest.raises(ValueError, match="persons must be 'train', 'test' or numbers"):
        build(kth, persons="val", **boxing)
    for persons in ([0, 3], 3):
        with pytest.raises(ValueError, match="persons must be"):
            build(kth, persons=persons, **boxing)
    with pytest.raises(ValueError, match=r"no file of persons \[2\]"):
        build(kth, persons=[2], **boxing)
    with pytest.raises(ValueError, match="classes must be some of"):
        build(kth, kind="KTHDataset", classes=["dancing"])
    (tmp_path / "boxing").mkdir()
    for name in ("person01_walking_d1_uncomp.avi", "clip.avi"):
        (tmp_path / "boxing" / name).touch()
    with pytest.raises(AnnotationError) as error:
        build(tmp_path, **boxing)
    assert len(error.value.problems) == 2
