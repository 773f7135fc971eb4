"""Cached steps: what is stored is what comes out, and stale files are refused."""

from __future__ import annotations

import os

import numpy as np
import pytest
from mmaction.registry import TRANSFORMS
from mmengine.structures import InstanceData

from mmstconv.datasets import FilmCache, FilmSteps, FilmStepsError
from mmstconv.datasets.film_cache import stamp_of
from mmstconv.datasets.film_steps import load_film_steps, save_film_steps
from mmstconv.disk import ForeignFile
from mmstconv.media import MediaError

STEPS = FilmSteps(
    dict(
        rgb=np.arange(30, dtype=np.float32).reshape(10, 3),
        audio=np.ones((10, 2), np.float32),
    ),
    dict(rgb=True, audio=False),
    start=0.5,
    step=0.25,
    end=2.9,
)
KEY = dict(streams="abc", hop=4)


def run(results, *steps):
    for name, kwargs in steps:
        results = TRANSFORMS.build(dict(type=name, **kwargs))(results)
    return results


@pytest.fixture
def film(tmp_path):
    path = tmp_path / "film.mp4"
    path.write_bytes(os.urandom(50000))
    return path


@pytest.fixture
def cache(tmp_path, film):
    cache = FilmCache(tmp_path / "cache")
    cache.begin(KEY, dict(rgb=3, audio=2), "python -m mmstconv cache-steps a b")
    cache.save(film, STEPS, stamp_of(film))
    return cache


def test_what_was_saved_is_loaded(tmp_path):
    path = tmp_path / "a.npz"
    save_film_steps(path, STEPS)
    found = load_film_steps(path)
    assert found[1:] == STEPS[1:]
    for name, x in STEPS.feats.items():
        assert found.feats[name].dtype == np.float32
        np.testing.assert_array_equal(found.feats[name], x)
    np.testing.assert_allclose(found.seconds[-1], (2.75, 3.0))
    mine = tmp_path / "mine.npz"
    mine.write_bytes(b"mine")
    with pytest.raises(ForeignFile):
        save_film_steps(mine, STEPS)
    assert mine.read_bytes() == b"mine"
    for content in (b"mine", path.read_bytes()[:-200], b""):
        mine.write_bytes(content)
        with pytest.raises(FilmStepsError, match=r"mine\.npz is no file of film steps"):
            load_film_steps(mine)


def test_the_longest_names_of_films(cache, film):
    for letter in ("x", "日", "\U0001f3b5"):
        name = letter * (250 // len(letter.encode())) + ".mp4"
        longest = film.rename(film.with_name(name))
        cache.save(longest, STEPS, stamp_of(longest))
        assert cache.load(longest).count == 10, letter
        cache.save_unusable(longest, "has no video", stamp_of(longest))
        film = longest


def test_a_crop_is_a_part_of_the_film(cache, film):
    truth = InstanceData(labels=np.array([1]))
    firsts = set()
    for seed in range(20):
        np.random.seed(seed)
        results = dict(filename=str(film), gt_importance=np.arange(10.0))
        packed = run(
            dict(results, gt_instances=truth),
            ("LoadFilmSteps", dict(cache=str(cache.folder))),
            ("CropFilmSteps", dict(length=4)),
            ("PackFilmSteps", dict(keys=["gt_importance", "gt_instances"])),
        )
        sample, rgb = packed["data_samples"], packed["inputs"]["rgb"]
        first = int(sample.gt_importance[0])
        firsts.add(first)
        assert rgb.shape == (1, 4, 3)
        np.testing.assert_array_equal(rgb[0], STEPS.feats["rgb"][first : first + 4])
        np.testing.assert_array_equal(sample.gt_importance, np.arange(first, first + 4))
        assert sample.clip_starts == [0.5 + 0.25 * first]
        assert sample.clip_duration == 1.0 and sample.step_count == 4
        assert sample.presence == STEPS.presence and sample.filename == str(film)
        assert sample.gt_instances is truth
    assert firsts == set(range(7))


def test_a_short_film_is_padded(cache, film):
    packed = run(
        dict(filename=str(film), gt_importance=np.ones(10), label=2),
        ("LoadFilmSteps", dict(cache=str(cache.folder))),
        ("CropFilmSteps", dict(length=16)),
        ("PackFilmSteps", dict(keys=["gt_importance", "label"])),
    )
    sample, rgb = packed["data_samples"], packed["inputs"]["rgb"]
    assert sample.step_count == 10 and sample.clip_duration == 4.0
    assert rgb.shape == (1, 16, 3) and not rgb[0, 10:].any()
    assert sample.gt_importance.tolist() == [1] * 10 + [0] * 6
    assert sample.gt_label.item() == 2


def test_a_sample_given_up_has_nothing(cache):
    packed = run(
        dict(filename="gone.mp4", failure="broken"),
        ("LoadFilmSteps", dict(cache=str(cache.folder))),
        ("PackFilmSteps", dict()),
    )
    assert packed["data_samples"].presence == dict(rgb=False, audio=False)
    assert {n: x.shape for n, x in packed["inputs"].items()} == dict(
        rgb=(1, 1, 3), audio=(1, 1, 2)
    )


def rewrite(film, offset=25000):
    """Other content, with the size and the time of before."""
    known = film.stat()
    with film.open("r+b") as file:
        file.seek(offset)
        file.write(b"x" * 4096)
    os.utime(film, ns=(known.st_atime_ns, known.st_mtime_ns))


def test_stale_steps_are_refused(cache, film):
    load = TRANSFORMS.build(dict(type="LoadFilmSteps", cache=str(cache.folder)))
    assert load(dict(filename=str(film)))["step_count"] == 10
    changes = (
        lambda: rewrite(film, 0),
        lambda: os.utime(film, ns=(0, 0)),
        lambda: film.write_bytes(film.read_bytes() + b"x"),
    )
    for change in changes:
        cache.save(film, STEPS, stamp_of(film))
        assert load(dict(filename=str(film)))["step_count"] == 10
        change()
        with pytest.raises(FilmStepsError, match=r"changed since[^.]*\s.*cache-steps"):
            load(dict(filename=str(film)))
    other = FilmCache(cache.folder)
    other.begin(dict(KEY, hop=8), dict(rgb=3, audio=2))
    with pytest.raises(FilmStepsError, match="another hop"):
        other.load(film)
    missing = film.with_name("missing.mp4")
    missing.write_bytes(b"x")
    with pytest.raises(FilmStepsError, match="has no steps"):
        other.load(missing)
    with pytest.raises(FilmStepsError, match="is no cache of film steps"):
        FilmCache(film.parent / "none").load(film)


def test_a_film_that_could_not_be_read_is_a_bad_sample(cache, film):
    cache.save_unusable(film, "has no video", stamp_of(film))
    os.utime(film, ns=(0, 0))
    with pytest.raises(FilmStepsError):  # it is another file since
        cache.load(film)
    cache.save_unusable(film, "has no video", stamp_of(film))
    with pytest.raises(MediaError, match=r"film\.mp4: has no video"):
        cache.load(film)


def test_truth_of_another_length(cache, film):
    with pytest.raises(ValueError, match=r"gt_importance has 9 values.*10 steps"):
        run(
            dict(filename=str(film), gt_importance=np.ones(9)),
            ("LoadFilmSteps", dict(cache=str(cache.folder))),
            ("CropFilmSteps", dict(length=4)),
        )
