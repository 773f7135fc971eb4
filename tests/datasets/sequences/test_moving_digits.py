"""Moving MNIST's file as it is, and sequences drawn as it was."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from mmaction.registry import DATASETS
from mmengine.registry import init_default_scope

from mmstconv.datasets.sequences.moving_digits import (
    digit_images,
    moving_digits,
    path_of_digit,
)

PIPELINE = [dict(type="LoadFrameArray", clip_len=20)]


@pytest.fixture(autouse=True)
def scope():
    init_default_scope("mmaction")


def build(kind, **kwargs):
    return DATASETS.build(dict(type=kind, pipeline=PIPELINE, **kwargs))


@pytest.fixture
def path(tmp_path):
    """As the published file, of five sequences; each pixel tells frame and sequence."""
    frames = np.zeros((20, 5, 64, 64), np.uint8)
    frames += (np.arange(20)[:, None, None, None] * 10).astype(np.uint8)
    frames += np.arange(5, dtype=np.uint8)[None, :, None, None]
    np.save(tmp_path / "mnist_test_seq.npy", frames)
    return tmp_path / "mnist_test_seq.npy"


def test_the_file_as_it_is(path):
    dataset = build("MovingMNISTDataset", ann_file=str(path), test_mode=True)
    assert len(dataset) == 5
    sample = dataset[3]
    assert sample["filename"] == f"{path}:3" and len(sample["imgs"]) == 21
    values = [image[5, 7].tolist() for image in sample["imgs"]]
    assert values == [[10 * min(k, 19) + 3] * 3 for k in range(21)]
    assert sample["frame_times"].shape == (1, 21) and sample["num_clips"] == 1


def test_it_is_not_in_memory(path):
    """Nor goes it to loader processes, which open it themselves."""
    dataset = build("MovingMNISTDataset", ann_file=str(path))
    assert isinstance(dataset._opened(), np.memmap)
    sent = pickle.dumps(dataset)
    assert len(sent) < path.stat().st_size / 20
    frames = pickle.loads(sent).get_data_info(2)["frames"]
    assert np.array_equal(frames, np.load(path)[:, 2])


def test_files_that_are_something_else(path, tmp_path):
    array = np.load(path)
    wrong = tmp_path / "wrong.npy"
    for content, message in (
        (array.swapaxes(0, 1), r"got uint8 \(5, 20, 64, 64\), which has sequences fi"),
        (array.astype(np.float32), "got float32"),
        (array[:, :, 0], r"got uint8 \(20, 5, 64\)"),
    ):
        np.save(wrong, content)
        with pytest.raises(ValueError, match=message):
            build("MovingMNISTDataset", ann_file=str(wrong))
    np.save(wrong, np.array([{}]), allow_pickle=True)
    with pytest.raises(ValueError, match=r"wrong.npy: is no whole NumPy array"):
        build("MovingMNISTDataset", ann_file=str(wrong))
    wrong.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(ValueError, match=r"wrong.npy: is no whole NumPy array"):
        build("MovingMNISTDataset", ann_file=str(wrong))
    with pytest.raises(FileNotFoundError, match=r"none.npy does not exist"):
        build("MovingMNISTDataset", ann_file=str(tmp_path / "none.npy"))


def test_paths_are_straight_and_bounce():
    """Between edges each step is a tenth of the range; no digit leaves the frame."""
    rng = np.random.default_rng(0)
    room, bounces = 360, 0
    for _ in range(50):
        corners = path_of_digit(rng, 20, room)
        assert corners.min() >= 0 and corners.max() <= room
        inside = ((corners > 0) & (corners < room)).all(1)
        steps = np.diff(corners, axis=0)
        free = inside[1:] & inside[:-1]
        lengths = np.hypot(*steps.T)[free]
        assert np.abs(lengths - room / 10).max() < 2  # whole pixels
        turned = np.sign(steps[1:]) * np.sign(steps[:-1]) < 0
        bounces += turned.sum()
    assert bounces > 50


def test_digits_on_black():
    images = digit_images("train", 28)
    assert images.shape == (1437, 28, 28) and images.dtype == np.uint8
    assert images.min() == 0 and images.max() == 255
    frames = moving_digits(np.random.default_rng(1), images)
    assert frames.shape == (20, 64, 64) and frames.dtype == np.uint8
    assert 0.02 < (frames > 128).mean() < 0.4
    one = moving_digits(np.random.default_rng(1), images, digits=1)
    sums = one.astype(int).sum((1, 2))
    assert sums.min() == sums.max()  # the same digit in each frame, whole


def test_testing_is_repeatable_and_of_other_digits():
    tests = build("MovingDigitsDataset", count=3, test_mode=True)
    same = build("MovingDigitsDataset", count=3, test_mode=True)
    other = build("MovingDigitsDataset", count=3, seed=1, test_mode=True)
    frames = [tests.get_data_info(k)["frames"] for k in range(3)]
    assert all(np.array_equal(f, same.get_data_info(k)["frames"])
               for k, f in enumerate(frames))  # fmt: skip
    assert not np.array_equal(frames[0], frames[1])
    assert not np.array_equal(frames[0], other.get_data_info(0)["frames"])
    train, held = digit_images("train", 28), digit_images("test", 28)
    assert len(train) + len(held) == 1797
    assert not {x.tobytes() for x in train} & {x.tobytes() for x in held}


def test_training_draws_anew_by_the_seed_of_the_run():
    dataset = build("MovingDigitsDataset", count=3)
    np.random.seed(5)
    drawn = [dataset.get_data_info(0)["frames"] for _ in range(2)]
    assert not np.array_equal(*drawn)
    np.random.seed(5)
    assert np.array_equal(dataset.get_data_info(0)["frames"], drawn[0])


def test_arguments_and_arrays_that_cannot_be_used():
    for wrong, message in (
        (dict(count=0), "count must be a positive integer"),
        (dict(digit_size=64), "digit_size must be at least 8 and less than size=64"),
    ):
        with pytest.raises(ValueError, match=message):
            build("MovingDigitsDataset", **wrong)
    dataset = build("MovingDigitsDataset", count=1, length=12)
    with pytest.raises(ValueError, match="has 12 frames, LoadFrameArray takes 20"):
        dataset[0]
    with pytest.raises(ValueError, match="must be uint8"):
        dataset.pipeline(dict(frames=np.zeros((20, 8, 8))))
