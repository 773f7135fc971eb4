"""The generated untrimmed videos: what is promised of their files and their events."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest
from conftest import load_script

from mmstconv.media import open_media

make = load_script("tools/data/make_event_dataset.py")
events = load_script("tools/data/demo_events.py")
timeline = load_script("tools/data/demo_timeline.py")
SIZES = {"training": 1, "validation": 0, "test": 2}
FLAGS = ["--training", "1", "--validation", "0", "--test", "2", "--workers", "1"]
SUBSETS = ["none", "rgb", "flow", "audio", "rgb+flow", "rgb+audio", "rgb+flow+audio"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("events") / "made"
    return folder, make.make_dataset(folder, SIZES, seed=2)


def parts_of(timelines):
    return [part for one in timelines for part in one]


# ------------------------------------------------------------------------ the files


def test_files_and_annotation(made):
    folder, timelines = made
    database = json.loads((folder / "events.json").read_text())["database"]
    assert sorted(database) == ["test_0000", "test_0001", "training_0000"]
    assert (folder / "classes.txt").read_text().split() == events.CLASSES
    for name, entry in database.items():
        path = folder / "videos" / f"{name}.mp4"
        with open_media(str(path)) as media:
            assert media.has_video and media.has_audio
            assert media.extent == pytest.approx((0, entry["duration"]), abs=0.01)
    first = database["test_0000"]["annotations"][0]
    part = timelines["test"][0][0]
    assert first["segment"] == [part.start, part.end]
    assert first["label"] == f"{part.motion}_{part.glide}"


def test_run_again(made, tmp_path):
    folder, _ = made
    before = {p: p.stat().st_mtime_ns for p in folder.rglob("*")}
    make.main([str(folder), *FLAGS, "--seed", "2", "--check"])
    with pytest.raises(SystemExit, match="made with"):
        make.main([str(folder), *FLAGS, "--seed", "3"])
    assert {p: p.stat().st_mtime_ns for p in folder.rglob("*")} == before
    (tmp_path / "thesis.doc").touch()
    with pytest.raises(SystemExit, match="holds no event data set"):
        make.main([str(tmp_path), *FLAGS])

    lost = folder / "videos" / "test_0001.mp4"
    content = lost.read_bytes()
    lost.unlink()
    make.main([str(folder), *FLAGS, "--seed", "2"])
    assert lost.read_bytes() == content  # by the seed alone


def test_pictures_move_within_motions_only(made):
    """Frames change by more than their noise exactly where something moves."""
    rng = np.random.default_rng(0)
    parts = [
        timeline.Part(2, 4, "up", "none"),
        timeline.Part(6, 8, "none", "rising"),
        timeline.Part(9, 11, "down", "falling"),
    ]
    spec = timeline.draw_film_spec(rng, 12)
    frames = timeline.render_film_frames(spec, parts, rng).astype(float)
    change = np.abs(np.diff(frames, axis=0)).mean((1, 2, 3))
    moves = np.zeros(len(change), bool)
    for first, last in ((2, 4), (9, 11)):
        moves[first * spec.fps : last * spec.fps] = True
    assert change[moves].min() > change[~moves].max()


def test_sound_glides_within_glides_only():
    """The strongest frequency rises, falls or stays, as the timeline says."""
    rng = np.random.default_rng(1)
    parts = [
        timeline.Part(2, 4, "up", "none"),
        timeline.Part(6, 8, "none", "rising"),
        timeline.Part(9, 11, "down", "falling"),
    ]
    spec = timeline.draw_film_spec(rng, 12)
    spec = timeline.replace(spec, snr=60, rolloff=3)
    sound = timeline.render_film_sound(spec, parts, rng)[0]
    blocks = sound[: len(sound) // 800 * 800].reshape(-1, 800)  # 50 ms
    spectra = np.abs(np.fft.rfft(blocks * np.hanning(800), 8192))
    pitch = np.argmax(spectra, axis=1) * spec.sample_rate / 8192
    steps = np.diff(np.log2(pitch))
    expected = np.zeros(len(steps))
    expected[6 * 20 + 1 : 8 * 20 - 1] = 1
    expected[9 * 20 + 1 : 11 * 20 - 1] = -1
    sure = np.ones(len(steps), bool)
    for edge in (6, 8, 9, 11):
        sure[edge * 20 - 2 : edge * 20 + 2] = False
    still = sure & (expected == 0)
    assert np.abs(steps[still]).max() < 0.01
    leaps = np.abs(steps) > 0.5  # from the end of a sweep to its beginning
    glides = sure & (expected != 0) & ~leaps
    assert glides.sum() > 40
    assert np.mean(np.sign(steps[glides]) == expected[glides]) > 0.95
    assert np.sqrt((blocks**2).mean(1))[still[:-1].nonzero()].min() > 0.01  # sounds


# ----------------------------------------------------------------------- the events


def test_timelines():
    timelines = events.draw_timelines(np.random.default_rng(3), 200, 48)
    counts = Counter(map(events.label_of, parts_of(timelines)))
    assert sorted(counts) == sorted(events.CLASSES)
    assert max(counts.values()) - min(counts.values()) <= 1
    lengths = [part.end - part.start for part in parts_of(timelines)]
    assert 1.4 < min(lengths) < 1.6 and 3.9 < max(lengths) < 4.01
    for one in timelines:
        edges = [0, *(edge for part in one for edge in part[:2]), 48]
        assert (np.diff(edges) >= 0.99).all()
    again = events.draw_timelines(np.random.default_rng(3), 10, 48)
    assert again == timelines[:10]


def test_what_is_invisible():
    assert events.invisible("rgb") == events.invisible("rgb+flow")
    assert events.invisible("flow") == ["none_rising", "none_falling"]
    assert events.invisible("audio") == ["up_none", "down_none"]
    assert events.invisible("flow+audio") == []
    assert events.invisible("none") == events.CLASSES


def seen(timeline, subset):
    """What modalities perceive of one video."""
    halves = [
        (part, events.perceived(events.label_of(part), subset)) for part in timeline
    ]
    return [(part.start, part.end, h) for part, h in halves if set(h) - {"none"}]


def test_redrawn_keeps_what_is_perceived():
    rng = np.random.default_rng(4)
    timelines = events.draw_timelines(rng, 60, 48)
    counts = Counter(map(events.label_of, parts_of(timelines)))
    for subset in SUBSETS:
        other = events.redrawn(timelines, subset, rng)
        for old, new in zip(timelines, other):
            assert seen(old, subset) == seen(new, subset)
            edges = [0, *(edge for part in new for edge in part[:2]), 48]
            assert (np.diff(edges) >= 0.99).all() and len(old) == len(new)
        assert Counter(map(events.label_of, parts_of(other))) == counts
        assert (other == timelines) == (events.invisible(subset) == [])


def detections(timelines, subset, rng):
    """What a perfect model of some modalities says: ``[(score, video, part)]``."""
    found = []
    for video, one in enumerate(timelines):
        for part in one:
            half = events.perceived(events.label_of(part), subset)
            if set(half) <= {"none"}:
                continue
            for label in events.CLASSES:
                if events.perceived(label, subset) == half:
                    found.append((rng.uniform(), video, (*part[:2], label)))
    return sorted(found, reverse=True)


def naive_map(found, timelines):
    """Mean over classes of the interpolated AP; a hit has exactly the edges."""
    precisions = []
    for label in events.CLASSES:
        truth = {
            (video, *part[:2])
            for video, one in enumerate(timelines)
            for part in one
            if events.label_of(part) == label
        }
        right = [(v, *p[:2]) in truth for _, v, p in found if p[2] == label]
        precision = np.cumsum(right) / np.arange(1, len(right) + 1)
        best = [precision[k:].max() for k in range(len(right)) if right[k]]
        precisions.append(sum(best) / len(truth))
    return float(np.mean(precisions))


def test_bounds_by_simulation_and_by_redrawing():
    """A perfect model of a subset scores its bound, on redrawn events as well."""
    rng = np.random.default_rng(5)
    timelines = events.draw_timelines(rng, 60, 48)
    for subset in SUBSETS:
        bound = events.bound(timelines, subset)
        found = [detections(timelines, subset, rng) for _ in range(12)]
        scores = [naive_map(one, timelines) for one in found]
        assert np.mean(scores) == pytest.approx(bound, abs=0.01)
        redrawn = [
            naive_map(one, events.redrawn(timelines, subset, rng)) for one in found
        ]
        assert np.mean(redrawn) == pytest.approx(bound, abs=0.01)
    assert events.bound(timelines, "rgb+flow+audio") == 1
    assert events.bound(timelines, "none") == 0
    assert events.bound(timelines, "flow") == pytest.approx(0.286, abs=0.015)


def test_redrawing_shows_a_leak():
    """A model that knew the hidden half would score less on redrawn events."""
    rng = np.random.default_rng(6)
    timelines = events.draw_timelines(rng, 60, 48)
    leaked = detections(timelines, "rgb+audio", rng)
    other = events.redrawn(timelines, "rgb", rng)
    assert naive_map(leaked, timelines) == 1
    assert naive_map(leaked, other) < 0.6


def test_chance_precision():
    assert events.chance_precision(3, 0) == pytest.approx(1)
    assert events.chance_precision(0, 5) == 0
    assert 1 / 3 < events.chance_precision(200, 400, levels=100) < 0.38
    # one hit of two: first (precision 1) or last (1/2)
    assert events.chance_precision(1, 1) == pytest.approx(0.75, abs=1e-3)
