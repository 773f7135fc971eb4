"""The generated films: what is promised of their files, scores and bounds."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
from conftest import load_script
from scipy.stats import spearmanr

from mmstconv.media import open_media

make = load_script("tools/data/make_summary_dataset.py")
demo = load_script("tools/data/demo_importance.py")
SIZES = {"training": 1, "validation": 0, "test": 1}
FLAGS = ["--training", "1", "--validation", "0", "--test", "1", "--workers", "1"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("summaries") / "made"
    return folder, make.make_dataset(folder, SIZES, seed=2)


def test_files_and_annotation(made):
    folder, films = made
    content = json.loads((folder / "summaries.json").read_text())
    assert sorted(content["database"]) == ["test_0000.mp4", "training_0000.mp4"]
    assert content["scale"] == [1, 4] and content["share"] == 0.15
    for name, entry in content["database"].items():
        with open_media(str(folder / "videos" / name)) as media:
            assert media.has_video and media.has_audio
            assert media.extent == pytest.approx((0, entry["duration"]), abs=0.01)
        shots = np.array(entry["shots"])
        assert (shots[1:, 0] == shots[:-1, 1]).all() and shots[0, 0] == 0
        assert np.ptp(np.diff(shots)) == 0 and shots[-1, 1] == entry["duration"] == 60
    found = content["database"]["test_0000.mp4"]["users"]
    np.testing.assert_allclose(found, films["test"][0].scores, atol=1e-4)


def test_run_again(made):
    folder, _ = made
    before = {p: p.stat().st_mtime_ns for p in folder.rglob("*")}
    make.main([str(folder), *FLAGS, "--seed", "2", "--check"])
    with pytest.raises(SystemExit, match="made with"):
        make.main([str(folder), *FLAGS, "--seed", "3"])
    assert {p: p.stat().st_mtime_ns for p in folder.rglob("*")} == before


def test_films():
    rng = np.random.default_rng(0)
    seen = set()
    for _ in range(50):
        film = demo.draw_film(rng, 3)
        for part, (a, b) in zip(film.timeline, film.highlights):
            assert (part.motion == "up", part.glide == "rising") == (bool(a), bool(b))
            seen.add((part.motion, part.glide))
        kinds = [tuple(kind) for kind in film.highlights.tolist()]
        assert sorted(kinds) == sorted(demo.SHOTS)
        assert film.scores.shape == (5, 20)
    assert len(seen) == 9  # every motion with every glide


def summary_f1(predicted, user, rng):
    """F1 of the three best shots of each; ties in random order."""
    mine, theirs = (
        set(np.lexsort((rng.random(20), -np.asarray(scores)))[:3])
        for scores in (predicted, user)
    )
    return len(mine & theirs) / 3


def rho(one, other):
    """Spearman's, from ranks that are counted pair by pair."""
    if np.ptp(one) == 0:
        return 0.0
    ranks = [
        (values[:, None] > values).sum(1) + (values[:, None] == values).sum(1) / 2
        for values in (np.asarray(one), np.asarray(other))
    ]
    return np.corrcoef(*ranks)[0, 1]


def scores_of(predicted, users, rng):
    f1 = np.mean([summary_f1(predicted, user, rng) for user in users])
    return f1, np.mean([rho(predicted, user) for user in users])


SUBSETS = ["none", "rgb", "flow", "audio", "rgb+flow", "rgb+audio", "rgb+flow+audio"]


def test_the_bounds_are_reached_and_survive_the_redraw():
    """Films are drawn and scored one by one; then what is not perceived is redrawn."""
    rng = np.random.default_rng(1)
    known = {"none": (0.15, 0.0), "rgb": (0.5, 0.71), "rgb+audio": (1.0, 0.897)}
    for subset in SUBSETS:
        bound = demo.bounds(subset, films=100)
        drawn, again = [], []
        for _ in range(150):
            film = demo.draw_film(rng, 3)
            predicted = demo.expected_importance(film.highlights, subset)
            drawn.append(scores_of(predicted, film.scores, rng))
            other = demo.redrawn(film.highlights, subset, rng)
            again.append(scores_of(predicted, demo.draw_scores(rng, other), rng))
        for found in (np.mean(drawn, axis=0), np.mean(again, axis=0)):
            np.testing.assert_allclose(found, bound, atol=0.05, err_msg=subset)
        if subset in known:
            np.testing.assert_allclose(bound, known[subset], atol=0.01)


def test_rho_is_scipys():
    rng = np.random.default_rng(3)
    one, other = rng.integers(0, 4, 20), rng.random(20)
    assert rho(one, other) == pytest.approx(spearmanr(one, other)[0])
    assert demo.spearman(one, other) == pytest.approx(spearmanr(one, other)[0])


def test_the_redraw_harms_who_knows_more():
    rng = np.random.default_rng(2)
    for subset in ("none", "flow", "audio"):
        losses = []
        for _ in range(100):
            film = demo.draw_film(rng, 3)
            other = demo.redrawn(film.highlights, subset, rng)
            worth = demo.importance(film.highlights)
            losses.append(1 - summary_f1(worth, demo.draw_scores(rng, other)[0], rng))
        assert np.mean(losses) == pytest.approx(
            1 - demo.bounds(subset, films=1).f1, abs=0.06
        )


def test_expected_importance_is_the_mean_over_the_unknown():
    films = [np.array(demo.SHOTS)]
    for shot, subset in itertools.product(range(20), SUBSETS):
        mine = demo.SHOTS[shot]
        known = demo.perceived(subset)
        alike = [s for s in demo.SHOTS if all(s[k] == mine[k] for k in known)]
        mean = np.mean([1 + a + b + a * b for a, b in alike])
        found = demo.expected_importance(films[0], subset)[shot]
        assert found == pytest.approx(mean), (mine, subset)
