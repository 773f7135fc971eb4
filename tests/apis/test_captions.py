"""Sentences of films and cameras: of all, of parts, of events."""

from __future__ import annotations

import numpy as np
import pytest
from apis.several_heads import HEADS, make_models
from apis.test_long_video import push_film
from helpers_media import chirp_sound, write_coded

from mmstconv.apis import (
    StreamingCaptioner,
    caption_events,
    caption_video,
    detect,
    extract_film_steps,
)
from mmstconv.apis.captions import caption_spans
from mmstconv.datasets.pieces import PiecePipeline
from mmstconv.media import MediaError

TASKS = {name: HEADS[name] for name in ("events", "captions")}
FRAMES, FPS = 61, 10


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    sound = dict(waveform=chirp_sound(5, 0.9, 16000), sample_rate=16000)
    return write_coded(path, count=FRAMES, fps=FPS, gop_size=250, **sound)


@pytest.fixture(scope="module")
def models():
    return make_models(**TASKS)


def close(ours, theirs):
    """Of the same times and words; scores to rounding."""
    ours, theirs = list(ours), list(theirs)
    return [one[:3] for one in ours] == [
        (pytest.approx(one.start), pytest.approx(one.end), one.text) for one in theirs
    ] and np.allclose([one.score for one in ours], [o.score for o in theirs], atol=1e-4)


def test_a_film_and_its_parts(film, models):
    _, alone = models
    (whole,) = caption_video(alone["captions"], film)
    steps = extract_film_steps(alone["captions"], film)
    assert (whole.start, whole.end) == (0.0, pytest.approx(6.1, abs=0.05))
    assert [whole] == list(caption_spans(alone["captions"], steps, [whole[:2]]))
    parts = caption_video(alone["captions"], film, every=1.5)
    assert len(parts) == 4 and parts[0].start == 0 and parts[-1].end == whole.end
    assert [one.end for one in parts[:-1]] == [one.start for one in parts[1:]]
    assert close(parts, caption_spans(alone["captions"], steps, [p[:2] for p in parts]))
    assert whole.text and whole.score < 0


def test_events_of_another_model_read_the_same_steps(film, models, monkeypatch):
    """Of other streams, the film is read once more; the sentences are the same."""
    together, alone = models
    options = dict(threshold=0.1)
    expected = caption_events(together, film, **options)
    spans = sorted({e[:2] for e in detect(alone["events"], film, **options)})
    assert [one[:2] for one in expected] == spans and len(spans) > 5
    opened, real = [], PiecePipeline.open

    def counting(self, path):
        opened.append(path)
        return real(self, path)

    monkeypatch.setattr(PiecePipeline, "open", counting)
    model, detector = alone["captions"], alone["events"]
    assert caption_events(model, film, detector=detector, **options) == expected
    once = len(opened)
    opened.clear()
    stream = detector.streams["rgb"].neck
    for parameter in stream.parameters():
        parameter.data += 1e-7 * parameter.abs().max()
    caption_events(model, film, detector=detector, **options)
    assert len(opened) == 2 * once


def test_what_lacks_something(models, tmp_path):
    together, alone = models
    silent = write_coded(tmp_path / "silent.mp4", count=40, fps=FPS)
    short = write_coded(tmp_path / "short.mp4", count=5, fps=FPS)
    for path in (silent, short):
        (said,) = caption_video(alone["captions"], path)
        assert said.text
        assert all(0 <= one.start <= one.end for one in caption_events(together, path))
    bad = tmp_path / "bad.mp4"
    bad.write_text("no film")
    with pytest.raises(MediaError, match=r"bad\.mp4"):
        caption_video(alone["captions"], bad)
    with pytest.raises(ValueError, match="TemporalEventHead, which says no sentences"):
        caption_video(alone["events"], silent)
    with pytest.raises(ValueError, match="LSTMCaptionHead, which detects no events"):
        caption_events(alone["captions"], silent)
    with pytest.raises(ValueError, match="every must be seconds above 0"):
        caption_video(alone["captions"], silent, every=0)
    for every in (1e-9, float("nan")):
        with pytest.raises(ValueError, match="no less than a step of the model"):
            caption_video(alone["captions"], silent, every=every)


def live(stream, film):
    said = [one for told in push_film(stream, film, 49) for one in told]  # 6.1 s
    return said + stream.finish()


def test_a_camera_says_what_is_said_of_its_file(film, models):
    """Parts as they end, and events when they have ended; twice, as after a reset."""
    together, _ = models
    del together.cfg.test_pipeline[2]["short_side"]  # a camera's frames come as stored
    steps = extract_film_steps(together, film)
    spans = [(0.0, 2.5), (2.5, 5.0), (5.0, 49 / 8)]
    stream = StreamingCaptioner(together, every=2.5)
    for _ in range(2):
        found = live(stream, film)
        assert [one[:2] for one in found] == [pytest.approx(span) for span in spans]
        expected = list(caption_spans(together, steps, spans))
        assert close(found[:-1], expected[:-1]) and found[-1].text
    stream = StreamingCaptioner(together, dense=True, threshold=0.1)
    found = sorted(live(stream, film))
    expected = caption_events(together, film, threshold=0.1)
    inner = [one for one in expected if one.end < 4.0]
    assert len(inner) > 2 and close([o for o in found if o.end < 4.0], inner)
    with pytest.raises(ValueError, match="every must be"):
        StreamingCaptioner(together, every=-1)
    for patience in (-1, float("nan")):
        with pytest.raises(ValueError, match="patience must be 0 or more"):
            StreamingCaptioner(together, dense=True, patience=patience)
    with pytest.raises(ValueError, match="no less than a step of the model"):
        StreamingCaptioner(together, every=1e-9)
