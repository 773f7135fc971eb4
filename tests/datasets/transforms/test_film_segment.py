"""The part of a video that a sample is about: of cached steps, and of clips."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from mmaction.registry import TRANSFORMS

from mmstconv.datasets import CropFilmSegment, FilmSteps, SampleClips

STEPS = FilmSteps(
    dict(rgb=np.arange(20.0, dtype=np.float32).reshape(10, 2)),
    dict(rgb=True),
    start=1.0,
    step=0.5,
    end=5.8,
)  # middles at 1.25, 1.75, ... 5.75


def cropped(segment, **more):
    results = dict(film_steps=STEPS, step_count=10, filename="film.mp4", **more)
    if segment is not None:
        results["segment"] = segment
    return CropFilmSegment()(results)


def test_steps_whose_middle_is_in_the_segment():
    cases = {
        None: (0, 10),
        (0.0, 9.0): (0, 10),
        (1.25, 2.75): (0, 3),  # the begin counts, the end does not
        (1.3, 2.8): (1, 4),
        (3.0, 3.1): (4, 5),  # no middle in it: the nearest, 3.25
        (7.0, 8.0): (9, 10),
    }
    for segment, (first, last) in cases.items():
        found = cropped(segment)
        part, count = found["film_steps"], found["step_count"]
        assert count == part.count == last - first, segment
        np.testing.assert_array_equal(part.feats["rgb"], STEPS.feats["rgb"][first:last])
        np.testing.assert_allclose(part.seconds, STEPS.seconds[first:last])
    with pytest.raises(ValueError, match=r"film\.mp4: the segment from 3 to 2 s ends"):
        cropped((3, 2))


def test_sentences_and_times_are_packed():
    packed = cropped((2.0, 3.0), gt_captions=["one", "two"])
    packed = TRANSFORMS.build(dict(type="CropFilmSteps", length=4))(packed)
    pack = TRANSFORMS.build(dict(type="PackFilmSteps", keys=["gt_captions"]))
    found = pack(packed)
    sample = found["data_samples"]
    assert sample.gt_captions == ["one", "two"]
    assert found["inputs"]["rgb"].shape == (1, 4, 2)
    assert sample.metainfo["step_count"] == 2
    assert sample.metainfo["clip_starts"] == [2.0]


def test_clips_are_taken_from_the_segment():
    np.random.seed(0)
    media = SimpleNamespace(extent=(0.5, 20.0))

    def times(segment, **kwargs):
        results = dict(media=media, segment=segment, filename="film.mp4")
        return SampleClips(clip_len=8, fps=8, **kwargs)(results)["frame_times"]

    for _ in range(50):
        found = times((4.0, 6.0))
        assert 4.0 <= found.min() and found[:, :-1].max() <= 6.0
    assert times((4.0, 6.0), test_mode=True)[0, 0] == 4.5  # one second in the middle
    short = times((4.0, 4.5))  # shorter than a clip: it starts again
    assert short.min() == 4.0 and short.max() < 4.5
    assert times((19.5, 30.0)).max() < 20.0  # as far as the file goes
    assert times(None).max() > 0.5
    with pytest.raises(ValueError, match=r"film\.mp4: the segment from 30 to 31 s"):
        times((30, 31))
