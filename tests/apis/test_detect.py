"""Events along a film, part by part, against the head on all of it at once."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pytest
import torch
from apis.test_long_video import make_model, push_film
from helpers_media import chirp_sound, write_coded
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample

from mmstconv.apis import StreamingDetector, detect, extract_film_steps
from mmstconv.datasets.film_steps import FilmSteps
from mmstconv.media import MediaError
from mmstconv.models.streaming import OnlineEvents

DETECT = import_module("mmstconv.apis.detect")  # the function has its name
NAMES = ["jump", "turn", "fall"]
EVENTS = dict(type="TemporalEventHead", num_classes=3, channels=6, levels=2)
INSTANTS = dict(type="TemporalSpottingHead", num_classes=3, channels=6)
# Events that last a while, and have been when a causal head speaks of them.
BIASES = {"class": 0.0, "distance": [4.0, 0.0], "offset": -1.0}
CASES = [EVENTS, dict(EVENTS, causal=True), INSTANTS, dict(INSTANTS, causal=True)]


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """24.1 s with sound, no whole number of windows or hops."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    sound = dict(waveform=chirp_sound(23, 0.9, 16000), sample_rate=16000)
    return write_coded(path, count=241, fps=10, gop_size=250, **sound)


def make_detector(head):
    """A model whose head says something, differently from step to step."""
    trunk = make_model(padded=True)
    cfg = dict(trunk.cfg.model, cls_head=head, joint=dict(steps=12), cached_steps=True)
    torch.manual_seed(7)
    model = MODELS.build(cfg).eval()
    for name, parameter in model.named_parameters():
        if "streams" not in name and parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=0.3)
        for part, bias in BIASES.items():
            if name.endswith(f"{part}_tower.out.conv.bias"):
                parameter.data = torch.tensor(bias).expand(parameter.shape).clone()
    model.cfg = trunk.cfg
    model.dataset_meta = dict(classes=NAMES)
    return model


@torch.no_grad()
def at_once(model, film, threshold=0.1):
    """Rows of the head's prediction from all steps of the film."""
    steps = extract_film_steps(model, film)
    sample = ActionDataSample()
    sample.set_metainfo(
        dict(
            presence=dict(steps.presence),
            step_count=steps.count,
            clip_starts=[steps.start],
            clip_duration=steps.count * steps.step,
        )
    )
    inputs = {name: torch.from_numpy(x)[None, None] for name, x in steps.feats.items()}
    model.cls_head.max_events = 10**6
    found = model.predict(inputs, [sample])[0].pred_instances
    found = found[found.scores >= threshold]
    times = found.get("segments")
    if times is None:
        times = found.times[:, None].expand(-1, 2)
    columns = (*times.T, found.labels.double(), found.scores.double())
    rows = torch.stack(columns, 1).numpy()
    rows[:, :2] = rows[:, :2].clip(max=steps.end)
    return rows


def as_rows(events):
    return np.array([(e.start, e.end, NAMES.index(e.label), e.score) for e in events])


def in_order(rows):
    return rows[np.lexsort(rows.T[::-1].round(4))]


@pytest.mark.parametrize("head", CASES, ids=str)
def test_events_are_those_of_the_whole_film(film, head, monkeypatch):
    model = make_detector(head)
    expected = in_order(at_once(model, film))
    assert len(expected) > 20 and len(set(expected[:, 2])) > 1
    for chunk in (0, 1, 4):
        monkeypatch.setattr(DETECT, "CHUNK", chunk)
        found = in_order(as_rows(detect(model, film, threshold=0.1)))
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_some_classes_and_a_threshold(film):
    model = make_detector(EVENTS)
    every = as_rows(detect(model, film, threshold=0.1))
    cut = float(np.median(every[:, 3]))
    some = as_rows(detect(model, film, classes=["fall", "jump"], threshold=cut))
    wanted = every[(every[:, 3] >= cut) & (every[:, 2] != 1)]
    np.testing.assert_allclose(in_order(some), in_order(wanted), rtol=0, atol=1e-5)
    assert 0 < len(some) < len(every)


def test_a_film_without_sound_or_shorter_than_a_window(film, tmp_path):
    model = make_detector(EVENTS)
    silent = write_coded(tmp_path / "silent.mp4", count=60, fps=10)
    short = write_coded(tmp_path / "short.mp4", count=8, fps=10)  # 0.8 s of 1.5
    for path, end in ((silent, 6.0), (short, 0.8)):
        found = as_rows(detect(model, path, threshold=0.1))
        np.testing.assert_allclose(
            in_order(found), in_order(at_once(model, path)), rtol=0, atol=1e-5
        )
        assert len(found) and found[:, 1].max() <= end + 0.01


def test_what_cannot_be_asked(film, tmp_path):
    model = make_detector(EVENTS)
    with pytest.raises(ValueError, match="TriModalFusionHead, which detects no events"):
        detect(make_model(padded=True), film)
    with pytest.raises(ValueError, match="no class 'walk'; the model's are 'jump'"):
        detect(model, film, classes=["walk"])
    for threshold in (0, 1.5):
        with pytest.raises(ValueError, match="threshold must lie in"):
            detect(model, film, threshold=threshold)
    for patience in (-1, float("nan")):
        with pytest.raises(ValueError, match="patience must be 0 or more"):
            StreamingDetector(model, patience=patience)
    with pytest.raises(ValueError, match="hop must be whole steps"):
        detect(model, film, hop=100)
    bad = tmp_path / "bad.mp4"
    bad.write_text("no film")
    with pytest.raises(MediaError, match=r"bad\.mp4"):
        list(detect(model, bad))


def test_memory_does_not_grow_with_the_film(film, monkeypatch):
    """What waits after each part of a film of ten hours is as much as after an hour."""
    held = []

    class Watched(OnlineEvents):
        def push(self, steps):
            told = super().push(steps)
            held.append((self.kept.shape[1], len(self.clusters.spans)))
            return told

    monkeypatch.setattr(DETECT, "OnlineEvents", Watched)
    model = make_detector(EVENTS)
    rng = np.random.default_rng(3)

    def pieces():
        for k in range(300):  # of 240 steps, a second each
            feats = {n: rng.normal(size=(240, 5)).astype("f4") for n in model.streams}
            yield FilmSteps(feats, dict.fromkeys(feats, True), 240.0 * k, 1.0, 72000.0)

    count = sum(
        1 for _ in DETECT.events_along(model, pieces(), dict(enumerate(NAMES)), 0.5)
    )
    assert count > 300, count
    early, late = held[len(held) // 10], held[-1]
    assert late[0] <= early[0] and late[1] <= 3 * early[1] + 100


@pytest.mark.parametrize("head", CASES[1:4:2], ids=["events", "instants"])
def test_a_stream_equals_its_file(film, head):
    """Pushed frame by frame, as a camera gives them; a causal head."""
    model = make_detector(head)
    del model.cfg.test_pipeline[2]["short_side"]  # frames of the stored size
    frames = 8 * 24
    for hop in (2, 6):
        stream = StreamingDetector(model, hop=hop, threshold=0.5)
        told = push_film(stream, film, frames)
        ended = stream.finish()
        pushed = as_rows([event for some in told for event in some] + ended)
        expected = in_order(as_rows(detect(model, film, hop=hop, threshold=0.5)))
        # the file goes on for a tenth of a second, which earlier windows do not see
        before = [rows[rows[:, 1] < 22.5] for rows in (in_order(pushed), expected)]
        np.testing.assert_allclose(*before, rtol=0, atol=1e-5)
        assert len(before[0]) > 10


def test_events_are_told_soon_after_their_end(film):
    model = make_detector(CASES[1])
    del model.cfg.test_pipeline[2]["short_side"]
    stream = StreamingDetector(model, hop=2, threshold=0.3, patience=0.5)
    told = push_film(stream, film, 160)
    late = [
        number / stream.fps - event.end
        for number, some in enumerate(told)
        for event in some
    ]
    # half a second and half a window, and the steps that come at once
    assert len(late) > 3 and np.median(late) < 0.5 + 0.75 + 1.0
    assert set(stream.ongoing) == set(NAMES)
    assert all(0 <= share <= 1 for share in stream.ongoing.values())
    assert stream.finish() is not None and stream.finish() == []
