"""Steps along a film, against every window by itself; and a model that reads them."""

from __future__ import annotations

import wave

import numpy as np
import pytest
import torch
from apis.test_long_video import FPS, make_model, window_of
from helpers_media import chirp_sound, write_coded
from mmaction.registry import MODELS, TRANSFORMS
from mmengine.dataset import pseudo_collate

from mmstconv.apis import extract_film_steps, extract_steps, film_steps
from mmstconv.apis.film_steps import step_layout
from mmstconv.apis.inference import as_sample
from mmstconv.datasets import FilmCache
from mmstconv.datasets.film_cache import stamp_of

WIDTHS = dict(rgb=5, flow=5, audio=5)


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """4.1 s, no whole number of windows or hops, with sound."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    sound = dict(waveform=chirp_sound(4, 0.9, 44100), sample_rate=44100)
    return write_coded(path, count=103, fps=25, gop_size=250, **sound)


def steps_of_window(model, path, start):
    """Aligned features of one window that the whole test pipeline makes."""
    results = window_of(model, path, start)
    data = model.data_preprocessor(pseudo_collate([results]), False)
    with torch.no_grad():
        found = model(**data, mode="tensor", stage="steps")
    return {name: x.mean(0) for name, x in found.aligned.items()}


@pytest.mark.parametrize(
    ("case", "hop"),
    [
        (dict(padded=True), 6),
        (dict(padded=True), 2),
        (dict(), 4),
        (dict(crop="ThreeCrop"), 4),
    ],
    ids=str,
)
def test_each_step_is_of_the_window_in_whose_middle_it_lies(film, case, hop):
    model = make_model(**case)
    steps = extract_film_steps(model, film, hop)
    layout = step_layout(model)
    jump = hop // int(layout.width)
    count = 1
    while (count - 1) * hop + layout.first + layout.steps * layout.width < 4.12 * FPS:
        count += 1
    windows = [steps_of_window(model, film, k * hop / FPS) for k in range(count)]
    assert steps.count >= (count - 2) * jump + layout.steps
    for step in range(steps.count):
        places = {
            w: step - w * jump
            for w in range(count)
            if 0 <= step - w * jump < layout.steps
        }
        best = min(places, key=lambda w: abs(places[w] + 0.5 - layout.steps / 2))
        for name, x in windows[best].items():
            got = torch.from_numpy(steps.feats[name][step])
            torch.testing.assert_close(got, x[places[best]], rtol=0, atol=1e-5)
    begin, end = steps.seconds[0, 0], steps.seconds[-1, 1]
    assert begin == pytest.approx(float(layout.first) / FPS)
    assert end >= steps.end - 1e-6 > end - steps.step  # the end is covered


def test_pieces_keep_no_other_steps_in_memory(film):
    pieces = list(film_steps(make_model(padded=True), film))
    assert len(pieces) > 3
    for piece in pieces:
        assert all(x.base is None for x in piece.feats.values())


def batch_of(film, folder, steps, **crop):
    """A batch of one: the film's steps through the cache and the transforms."""
    cache = FilmCache(folder)
    cache.begin(dict(test=1), WIDTHS)
    cache.save(film, steps, stamp_of(film))
    results = dict(filename=str(film), label=1)
    for cfg in (
        dict(type="LoadFilmSteps", cache=str(folder)),
        *([dict(type="CropFilmSteps", **crop)] if crop else []),
        dict(type="PackFilmSteps", keys=["label"]),
    ):
        results = TRANSFORMS.build(cfg)(results)
    return pseudo_collate([results])


def learner(model):
    """The same weights in a model that learns from cached steps."""
    cfg = model.cfg.model.to_dict()
    cfg["data_preprocessor"]["type"] = "TriModalDataPreprocessor"
    other = MODELS.build(dict(cfg, cached_steps=True))
    other.load_state_dict(model.state_dict())
    return other.eval()


@pytest.mark.parametrize("padded", [True, False])
def test_cached_steps_equal_the_streams_on_the_clip(tmp_path, padded):
    """Joint, seconds and all seven subsets, of a film of one window."""
    sound = dict(waveform=chirp_sound(2, 0.9, 16000), sample_rate=16000)
    film = write_coded(tmp_path / "one.mp4", count=12, fps=8, **sound)
    model = make_model(padded=padded)
    model.cfg.test_pipeline[-1].meta_keys += ["clip_starts", "clip_duration"]
    sample, steps = as_sample(model, film, model.cfg.test_pipeline)
    data = model.data_preprocessor(pseudo_collate([steps(sample)]), False)
    other = learner(model)
    film_of_steps = extract_film_steps(model, film, step_layout(model).largest_hop)
    held = other.data_preprocessor(batch_of(film, tmp_path / "c", film_of_steps))
    with torch.no_grad():
        clip, cached = model.fuse(**data), other.fuse(**held)
        count = clip.steps.shape[1]
        for name, part in clip.subsets():
            got = dict(cached.subsets())[name].steps[:, :count]
            torch.testing.assert_close(got, part.steps, rtol=0, atol=1e-5)
            assert name == "none" or part.steps.abs().max() > 1e-2
        torch.testing.assert_close(
            cached.seconds[:, :count], clip.seconds, rtol=0, atol=1e-5
        )
        again = other.fuse(**data)  # clips still go through the frozen streams
        torch.testing.assert_close(again.steps, clip.steps)
    assert cached.valid is None
    with pytest.raises(ValueError, match="cached_steps=True"):
        model.fuse(**held)


def test_films_that_lack_something_lie_on_the_same_grid(film, tmp_path):
    model = make_model(padded=True)
    silent = write_coded(tmp_path / "silent.mp4", count=103, fps=25)
    blind = tmp_path / "blind.wav"
    with wave.open(str(blind), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))
        file.writeframes((chirp_sound(4, 0.9, 16000) * 3e4).astype("<i2").tobytes())
    whole = extract_film_steps(model, film)
    for path, lacking in ((silent, {"audio"}), (blind, {"rgb", "flow"})):
        steps = extract_film_steps(model, path)
        assert steps.step == whole.step and steps.start == whole.start
        assert {name for name, here in steps.presence.items() if not here} == lacking
        for name, x in steps.feats.items():
            assert x.shape == (steps.count, WIDTHS[name])
            assert (np.abs(x).max() == 0) == (name in lacking)
    assert steps.count == round(steps.end / steps.step)


def test_a_film_shorter_than_a_window(tmp_path):
    film = write_coded(tmp_path / "short.mp4", count=20, fps=25)  # 0.8 s of 1.5
    model = make_model(padded=True)
    steps = extract_film_steps(model, film)
    assert steps.count == 4 and steps.step == 0.25  # the last begins at 0.75 s
    whole = extract_steps(model, film).aligned
    for name, x in steps.feats.items():
        np.testing.assert_allclose(x, whole[name][0, :4].numpy(), atol=1e-5)


def test_hops_that_do_not_fit(film):
    with pytest.raises(ValueError, match=r"steps of 2 frames.*: 2, 4, 6.*; got 3"):
        film_steps(make_model(padded=True), film, 3)
    with pytest.raises(ValueError, match=r"got 14"):  # gaps
        film_steps(make_model(padded=True), film, 14)
    trunk = dict(type="STConvNet", stages=[dict(channels=4)])
    maps = make_model(fusion=dict(type="Conv3dFusion", trunk=trunk))
    with pytest.raises(ValueError, match="fuses maps"):
        film_steps(maps, film)
