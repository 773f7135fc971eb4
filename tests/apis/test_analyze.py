"""A film read once says what each head says of it alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from apis.several_heads import HEADS, NAMES, make_models
from helpers_media import chirp_sound, write_coded

from mmstconv.apis import (
    analyze,
    caption_events,
    choose_shots,
    detect,
    extract_film_steps,
    score_video,
)
from mmstconv.apis.captions import caption_spans
from mmstconv.apis.film_steps import step_layout
from mmstconv.datasets.pieces import PiecePipeline
from mmstconv.media import MediaError, write_media


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    sound = dict(waveform=chirp_sound(7, 0.9, 16000), sample_rate=16000)
    return write_coded(path, count=81, fps=10, gop_size=250, **sound)


@pytest.fixture(scope="module")
def models():
    return make_models()


def same_summary(one, other):
    return all(
        np.allclose(ours, theirs, atol=1e-6)
        for ours, theirs in zip(one[:6], other[:6], strict=True)
    )


def test_all_tasks_are_those_of_single_models(film, models):
    together, alone = models
    seconds = []
    found = analyze(together, film, threshold=0.1, share=0.4, progress=seconds.append)
    hop = step_layout(together).checked_hop(None)

    windows = list(score_video(alone["classes"], film, hop=hop, to_end=True))
    scores = np.stack([window.scores.numpy() for window in windows])
    np.testing.assert_allclose(found.classes.scores, scores, rtol=0, atol=1e-5)
    starts = [window.start for window in windows]
    np.testing.assert_allclose(found.classes.seconds[:, 0], starts)
    assert found.classes.seconds.max() == found.end == pytest.approx(8.1, abs=0.05)
    assert len(scores) > 4 and np.ptp(scores, axis=0).max() > 1e-3

    events = sorted(detect(alone["events"], film, threshold=0.1))
    assert len(events) > 5 and {event.label for event in events} <= set(NAMES)
    assert [e[:2] for e in found.events] == [pytest.approx(e[:2]) for e in events]
    assert [e.label for e in found.events] == [event.label for event in events]

    steps = extract_film_steps(alone["summary"], film)
    assert same_summary(found.summary, choose_shots(alone["summary"], steps, 0.4))
    assert found.summary.chosen.any() and found.no_choice is None

    said = caption_events(
        alone["captions"], film, detector=alone["events"], threshold=0.1
    )
    assert found.captions == said and found.said_of == "events"
    assert len({one.text for one in said}) > 1
    assert [one[:2] for one in said] == sorted({event[:2] for event in events})
    assert found.presence == dict(rgb=True, flow=True, audio=True)
    assert seconds == sorted(seconds) and seconds[-1] == pytest.approx(8.1, abs=0.05)


def test_the_film_is_read_once(film, models, monkeypatch):
    """It is opened as often as for its scores, and once more for its length."""
    opened, real = [], PiecePipeline.open

    def counting(self, path):
        opened.append(path)
        return real(self, path)

    monkeypatch.setattr(PiecePipeline, "open", counting)
    list(score_video(models[1]["classes"], film, to_end=True))
    scored = len(opened)
    opened.clear()
    analyze(models[0], film)
    assert 0 < len(opened) <= scored + 1


def test_only_what_the_model_has_a_head_for(film, models):
    _, alone = models
    wrong = []
    fields = dict(
        classes={"classes"},
        events={"events"},
        summary={"summary"},
        captions={"captions", "said_of"},
    )
    for name, model in alone.items():
        found = analyze(model, film)._asdict()
        there = {key for key, value in found.items() if value is not None}
        if there - {"end", "presence", "no_choice"} != fields[name]:
            wrong.append((name, there))
    assert not wrong
    found = analyze(alone["captions"], film)
    assert found.said_of == "parts" and len(found.captions) == 1
    both, _ = make_models(**{k: HEADS[k] for k in ("summary", "captions")})
    found = analyze(both, film, share=0.4)
    assert found.said_of == "shots"
    assert [one[:2] for one in found.captions] == [
        tuple(shot) for shot in found.summary.shots.tolist()
    ]


def test_films_that_lack_something(film, models, tmp_path):
    """Without sound, without pictures, shorter than a window, and none at all."""
    together, alone = models
    silent = write_coded(tmp_path / "silent.mp4", count=60, fps=10)
    short = write_coded(tmp_path / "short.mp4", count=8, fps=10)
    sound = write_media(
        tmp_path / "sound.m4a", waveform=chirp_sound(4, 0.5, 16000), sample_rate=16000
    )
    assert analyze(together, short, threshold=0.1, share=0.1).no_choice
    for path, end in ((silent, 6.0), (short, 0.8), (sound, 4.0)):
        found = analyze(together, path, threshold=0.1)
        heard = path == sound
        assert found.presence == dict(rgb=not heard, flow=not heard, audio=heard)
        assert found.end == pytest.approx(end, abs=0.1)
        scored = list(score_video(alone["classes"], path, hop=6, to_end=True))
        expected = np.stack([window.scores.numpy() for window in scored])
        np.testing.assert_allclose(found.classes.scores, expected, atol=1e-5)
        assert found.captions and len(found.summary.shots)
    bad = tmp_path / "bad.mp4"
    bad.write_text("no film")
    with pytest.raises(MediaError, match=r"bad\.mp4"):
        analyze(together, bad)


def test_what_cannot_be_asked(film, models):
    together, _ = models
    for options, said in (
        (dict(share=0), "share must be"),
        (dict(threshold=2), "threshold must lie"),
        (dict(hop=100), "hop must be whole steps"),
    ):
        with pytest.raises(ValueError, match=said):
            analyze(together, film, **options)


@torch.no_grad()
def test_sentences_are_those_of_the_spans_cut_by_hand(film, models):
    _, alone = models
    model, steps = alone["captions"], extract_film_steps(alone["captions"], film)
    spans = [(start, start + 2.0) for start in np.arange(0, 6, 0.25).tolist()]
    found = list(caption_spans(model, steps, spans))
    assert [one[:2] for one in found] == spans
    wrong = []
    for one in found:
        middles = steps.seconds.mean(1)
        inside = np.flatnonzero((middles >= one.start) & (middles < one.end))
        part = steps.part(int(inside[0]), len(inside))
        (alone_said,) = caption_spans(model, part, [one[:2]])
        if alone_said.text != one.text or abs(alone_said.score - one.score) > 1e-5:
            wrong.append((one, alone_said))
    assert not wrong and len({one.text for one in found}) > 1
