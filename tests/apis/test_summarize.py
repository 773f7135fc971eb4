"""From a model and a file to a summary: what is written, kept, refused."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from apis.test_long_video import make_model

from mmstconv.apis import choose_shots, summarize
from mmstconv.datasets.film_steps import FilmSteps
from mmstconv.disk import ForeignFile, unfinished_path
from mmstconv.media import MediaError, open_media, write_media
from mmstconv.models import SummaryHead, TrainingFreeSummaryHead

SECONDS = 16


def scenes(path, video=True, sound=True):
    """Four seconds each of another pattern that moves, and of another tone."""
    rng, frames = np.random.default_rng(0), []
    for scene in range(4):
        picture = rng.integers(0, 256, (48, 64, 3), dtype=np.uint8)
        speed = (0, 5, 1, 3)[scene]
        frames += [np.roll(picture, speed * k, axis=1) for k in range(40)]
    time = np.arange(SECONDS * 16000) / 16000
    tone = 0.3 * np.sin(
        2 * np.pi * np.array([200, 900, 400, 2000])[(time // 4).astype(int)] * time
    )
    pictures = dict(frames=frames, fps=10) if video else {}
    heard = dict(waveform=tone, sample_rate=16000) if sound else {}
    return write_media(path, **pictures, **heard)


@pytest.fixture(scope="module")
def model():
    return make_model(padded=True)


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    return scenes(tmp_path_factory.mktemp("film") / "film.mp4")


def test_what_is_written(model, film, tmp_path):
    out, told = tmp_path / "out", []
    found = summarize(
        model, film, out, share=0.3, progress=lambda *now: told.append(now)
    )
    assert found.rated_by == "TrainingFreeSummaryHead"  # the head is a recognizer's
    noted = json.loads((out / "summary.json").read_text())
    shown = sum(end - start for start, end in found.shots[found.chosen])
    assert 0 < shown <= 0.3 * SECONDS + 1e-6
    with open_media(str(out / "summary.mp4")) as media:
        assert media.has_video and media.has_audio
        assert media.extent == pytest.approx((0, shown), abs=0.05)
    assert noted["shown"] == pytest.approx(shown, abs=1e-3)
    assert [shot["chosen"] for shot in noted["shots"]] == found.chosen.tolist()
    starts = [shot["start"] for shot in noted["shots"]]
    np.testing.assert_allclose(starts, found.shots[:, 0], atol=1e-3)
    assert found.shots[0, 0] == 0 and found.shots[-1, 1] == pytest.approx(
        SECONDS, abs=0.1
    )
    for (start, end), key in zip(found.shots, found.key_times):
        assert start <= key <= end
    assert cv2.imread(str(out / "key_frames.png")).shape[0] >= 144
    assert {what for what, _ in told} == {"steps", "shots", "film"}
    assert all(0 <= share <= 1 for _, share in told)

    two = tmp_path / "two.mp4"
    two.write_bytes(film.read_bytes())
    with pytest.raises(ForeignFile, match=r"has the summary of .*film\.mp4"):
        summarize(model, two, out, share=0.3)
    assert json.loads((out / "summary.json").read_text()) == noted

    left = unfinished_path(out / "summary.mp4", process=4194305)  # that was killed
    left.touch()
    told.clear()  # again: the steps are kept, and the same files are written
    before = (out / "summary.mp4").read_bytes()
    summarize(model, film, out, share=0.3, progress=lambda *now: told.append(now))
    assert "steps" not in {what for what, _ in told}
    assert (out / "summary.mp4").read_bytes() == before and not left.exists()


def test_a_head_for_summaries_rates_them(model, film, tmp_path):
    other = make_model(padded=True)
    other.cls_head = SummaryHead(other.joint.out_channels).eval()
    found = summarize(other, film, tmp_path / "out", share=0.3)
    assert found.rated_by == "SummaryHead"
    assert np.isfinite(found.importance).all()


def test_sound_alone_and_pictures_alone(model, tmp_path):
    dark = scenes(tmp_path / "dark.m4a", video=False)
    summarize(model, dark, tmp_path / "dark", share=0.3)
    names = sorted(p.name for p in (tmp_path / "dark").glob("[!.]*"))
    assert names == ["steps", "summary.json", "summary.m4a"]
    silent = scenes(tmp_path / "silent.mp4", sound=False)
    summarize(model, silent, tmp_path / "silent", share=0.3)
    with open_media(str(tmp_path / "silent" / "summary.mp4")) as media:
        assert media.has_video and not media.has_audio


def test_what_is_refused(model, film, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "summary.json").write_text("thesis")
    with pytest.raises(ForeignFile, match=r"summary\.json"):
        summarize(model, film, out)
    assert [p.name for p in out.iterdir()] == ["summary.json"]
    with pytest.raises(ValueError, match="share must be above 0"):
        summarize(model, film, tmp_path / "b", share=0)
    with pytest.raises(FileNotFoundError):
        summarize(model, tmp_path / "none.mp4", tmp_path / "b")
    (tmp_path / "text.mp4").write_text("thesis")
    with pytest.raises(MediaError):
        summarize(model, tmp_path / "text.mp4", tmp_path / "b")
    assert not (tmp_path / "b").exists()


def test_shots_are_cut_where_steps_change_and_the_best_is_shown(model):
    """Known features: the training-free head prefers the rare scene, a head its own."""
    widths, rng = model.joint.in_channels, np.random.default_rng(0)
    scene = np.repeat([0, 1, 0, 0], 12)
    feats = {
        name: (rng.normal(size=(2, d))[scene] + 0.05 * rng.normal(size=(48, d))).astype(
            "f4"
        )
        for name, d in widths.items()
    }
    steps = FilmSteps(feats, dict.fromkeys(widths, True), 2.0, 0.5, 26.0)
    found = choose_shots(model, steps, share=0.25)
    assert found.shots[found.chosen].tolist() == [[8.0, 14.0]]
    with pytest.raises(ValueError, match="film steps have the channels"):
        choose_shots(model, steps._replace(feats={"rgb": feats["rgb"]}))
    assert TrainingFreeSummaryHead.rates_steps
