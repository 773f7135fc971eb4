"""The generated turns: lossless files, a bound that holds, nothing that tells."""

from __future__ import annotations

import json
from functools import partial

import numpy as np
import pytest
from conftest import load_script
from mmaction.registry import TRANSFORMS
from mmaction.utils import register_all_modules

from mmstconv.media import open_media

make = load_script("tools/data/make_frame_dataset.py")
turns = load_script("tools/data/demo_turns.py")
register_all_modules(init_default_scope=True)
SIZES = {"training": 2, "validation": 0, "test": 4}
FLAGS = ["--training", "2", "--validation", "0", "--test", "4", "--workers", "1"]
AFTER = turns.SEEN + turns.STEADY


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("frames") / "made"
    return folder, make.make_dataset(folder, SIZES, seed=2)


def many(count=200, held_out=False, seed=0):
    rng = np.random.default_rng(seed)
    return [turns.draw_turn(rng, held_out) for _ in range(count)]


def test_files_are_what_was_rendered(made):
    folder, films = made
    futures = json.loads((folder / "futures.json").read_text())
    for subset, some in films.items():
        names = (folder / f"{subset}.txt").read_text().split()
        assert len(names) == len(some)
        for name, film in zip(names, some):
            with open_media(str(folder / "videos" / name)) as media:
                times = np.arange(turns.SEEN + turns.FUTURE) / turns.FPS
                frames = np.stack(media.frames_at(times))
                assert media.extent == pytest.approx((0, 2), abs=0.01)
            np.testing.assert_array_equal(frames, turns.render_frames(film))
            entry = futures[name.removesuffix(".mp4")]
            assert entry["turn"] == film.turn
            np.testing.assert_allclose(entry["bound"], turns.bound_of(film), atol=1e-4)


def test_pairs_look_alike_and_sound_otherwise(made):
    folder, _ = made
    inputs = []
    for name in (folder / "test.txt").read_text().split():
        results = dict(filename=str(folder / "videos" / name))
        for cfg in (
            dict(type="OpenMedia"),
            dict(type="SampleWindow", clip_len=16, fps=8),
            dict(type="LoadFrames"),
            dict(type="LoadWaveform", sample_rate=16000),
            dict(type="SplitFuture", seen=8, future=8),
            dict(type="ComputeFlow"),
            dict(type="LogMel"),
            dict(type="FormatClips"),
        ):
            results = TRANSFORMS.build(cfg)(results)
        inputs.append(results)
    for first, second in zip(inputs[::2], inputs[1::2]):
        for key in ("rgb", "flow"):
            np.testing.assert_array_equal(first[key], second[key])
        assert not np.allclose(first["audio"], second["audio"], atol=1)
        truths = [one["gt_frames"][:, : turns.STEADY] for one in (first, second)]
        assert truths[0].equal(truths[1])
        assert not first["gt_frames"].equal(second["gt_frames"])


def test_run_again(made):
    folder, _ = made
    before = {p: p.stat().st_mtime_ns for p in folder.rglob("*")}
    make.main([str(folder), *FLAGS, "--seed", "2", "--check"])
    with pytest.raises(SystemExit, match="made with"):
        make.main([str(folder), *FLAGS, "--seed", "3"])
    assert {p: p.stat().st_mtime_ns for p in folder.rglob("*")} == before
    with pytest.raises(SystemExit, match="come in pairs, got 3"):
        make.main([str(folder), *FLAGS[:-4], "--test", "3"])
    lost = folder / "videos" / "test_0001.mp4"
    content = lost.read_bytes()
    lost.unlink()
    make.main([str(folder), *FLAGS, "--seed", "2"])
    assert lost.read_bytes() == content  # by the seed alone


def silent_error(ways, forecast):
    """Of each frame, when either future comes as often."""
    return sum(((forecast - one) ** 2).sum((1, 2, 3)) / 2 for one in ways)


def test_the_bound_is_of_the_best_silent_forecast():
    rng = np.random.default_rng(1)
    for film in many(3):
        first, second = ways = [
            turns.render_frames(one)[turns.SEEN :].astype(float) / 255
            for one in (film, film.other)
        ]
        bound = turns.bound_of(film)
        error = partial(silent_error, ways)
        np.testing.assert_allclose(error((first + second) / 2), bound)
        assert np.all(bound[: turns.STEADY] == 0)
        assert np.all(bound[turns.STEADY :] > 5)
        for share in (0.0, 0.4, 1.0):
            other = share * first + (1 - share) * second
            other = other + rng.normal(0, 0.01, other.shape)
            assert np.all(error(other) > bound)
        # the other future, as with the wrong sound, errs four times as much
        np.testing.assert_allclose(((first - second) ** 2).sum((1, 2, 3)), 4 * bound)


def test_redrawn_truths_leave_the_silent_score():
    """The best silent forecast scores the same; one that knows the turn does not."""
    films = [one for film in many(20) for one in (film, film.other)]
    truths = [turns.render_frames(one)[AFTER:].astype(float) / 255 for one in films]
    pairs = zip(truths[::2], truths[1::2])
    silent = [(first + second) / 2 for first, second in pairs for _ in range(2)]

    def error(forecasts, truth):
        return np.mean([((f - t) ** 2).sum() for f, t in zip(forecasts, truth)])

    rng = np.random.default_rng(0)
    scores = [error(silent, turns.redrawn(truths, rng)) for _ in range(5)]
    np.testing.assert_allclose(scores, error(silent, truths))
    knowing = [error(truths, turns.redrawn(truths, rng)) for _ in range(5)]
    assert min(knowing) > 1.5 * error(silent, truths)


def test_nothing_seen_tells_the_turn():
    films = many(1000)
    left = np.array([film.turn == "left" for film in films])
    assert 0.4 < left.mean() < 0.6
    seen = np.array(
        [
            [film.x, film.y, np.cos(film.heading), np.sin(film.heading), film.bend,
             film.speed, film.scale, film.digit, *film.colour, film.pitch, film.begin,
             film.level]
            for film in films
        ]
    )  # fmt: skip
    correlation = np.corrcoef(seen.T, left)[-1, :-1]
    assert np.abs(correlation).max() < 4 / np.sqrt(len(films))
    for film in films[:100]:
        # both ways stay in the picture, and the turn is a quarter to its side
        margin = 4 * film.scale
        for way in (turns.path_of(film), turns.path_of(film.other)):
            assert (
                margin - 1e-6 <= way.min() and way.max() <= turns.SIDE - margin + 1e-6
            )
        steps = np.diff(turns.path_of(film), axis=0)
        np.testing.assert_allclose(np.hypot(*steps.T), film.speed)
        angles = np.unwrap(np.arctan2(*steps[:, ::-1].T))
        np.testing.assert_allclose(np.diff(angles[: AFTER - 1]), film.bend)
        np.testing.assert_allclose(angles[AFTER - 1 :], angles[-1])
        bent = angles[AFTER - 2] + film.bend  # where the arc would lead to
        before, after = np.array([np.cos(bent), np.sin(bent)]), steps[-1]
        cross = before[0] * after[1] - before[1] * after[0]
        assert np.sign(cross) == (-1 if film.turn == "left" else 1)  # y points down
        assert abs(before @ after) < 1e-9


def test_the_glide_says_the_turn():
    """Its pitch, as zero crossings count it, rises before a turn to the left."""
    rng = np.random.default_rng(3)
    for film in many(20):
        quiet = film._replace(snr=60.0, level=-20.0)
        sound = turns.render_sound(quiet, rng)[0]
        rate = turns.SAMPLE_RATE
        span = (film.end - film.begin) / 4
        heard = [
            sound[int(start * rate) : int((start + span) * rate)]
            for start in (film.begin, film.end - span)
        ]
        low, high = (np.mean(np.diff(np.sign(one)) != 0) for one in heard)
        assert (high > low) == (film.turn == "left")
        # behind the seen part there is nothing but noise
        after = sound[round((turns.SEEN / turns.FPS + 0.06) * rate) :]
        assert np.sqrt(np.mean(after**2)) < 0.02 * np.sqrt(np.mean(sound**2))


def test_digits_of_the_test_are_not_trained_with():
    assert max(film.digit for film in many()) < turns.HELD_OUT
    assert min(film.digit for film in many(held_out=True)) >= turns.HELD_OUT
