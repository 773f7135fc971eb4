"""Joined clips: what is seen and heard at the stated times is the clips' own."""

from __future__ import annotations

import json

import numpy as np
import pytest
from conftest import load_script
from helpers_media import chirp, chirp_sound, lag, numbers, shown_at, write_coded

from mmstconv.media import open_media

join = load_script("tools/data/join_clips.py")
plan = load_script("tools/data/joined_plan.py")
RATE = 16000
SIZE = ["--size", "128", "96", "--seconds", "8", "--longest", "2", "--gaps", "0.4", "1"]
# By class: frames, frames per second, when its chirp starts, how high that rises.
CLIPS = {
    "low": (50, 25, 0.3, 2000.0),
    "high": (60, 30, 1.1, 6000.0),
    "long": (100, 25, None, None),  # without sound, and longer than an event
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A clip of each class, one of them turned, and two lists."""
    folder = tmp_path_factory.mktemp("clips")
    for name, (count, fps, at, top) in CLIPS.items():
        sound = {}
        if at is not None:
            samples = chirp_sound(count / fps, at, RATE, top=top)
            sound = dict(waveform=samples, sample_rate=RATE)
        turned = 90 if name == "high" else 0
        write_coded(folder / f"{name}.mp4", count, fps, rotation=turned, **sound)
    write_coded(folder / "other.mp4", 100, 25)
    (folder / "events.txt").write_text("low.mp4 0\nhigh.mp4 1\nlong.mp4 2\n")
    (folder / "classes.txt").write_text("low\nhigh\nlong\n")
    (folder / "others.txt").write_text("other.mp4 1\nlow.mp4 0\n")
    (folder / "others_classes.txt").write_text("low\nother\n")
    return folder


def made(folder, out, *more):
    join.main([str(folder / "events.txt"), "--out", str(out), *SIZE, *more])
    return json.loads((out / "events.json").read_text())["database"]


def events_in(database):
    return {
        event["label"]: (name, *event["segment"])
        for name, entry in database.items()
        for event in entry["annotations"]
    }


def test_what_is_at_the_stated_times(folder, tmp_path):
    database = made(folder, tmp_path, "--workers", "1")
    assert (tmp_path / "classes.txt").read_text().split() == list(CLIPS)
    found = events_in(database)
    assert found.keys() == CLIPS.keys()  # each clip once
    for label, (name, start, end) in found.items():
        count, fps, at, top = CLIPS[label]
        assert end - start == pytest.approx(2)
        shown = np.arange(50) / 25
        with open_media(str(tmp_path / "videos" / f"{name}.mp4")) as media:
            images = media.frames_at(start + shown)
            sound = media.waveform(start, end, RATE)
            (before,) = media.frames_at([start - 1 / 25])
        seen = numbers(images)
        first = seen[0] / fps  # of a longer clip some part is shown
        stamps = np.arange(count) / fps
        assert seen == shown_at(stamps, first + shown + 1e-6), label
        assert np.abs(before.astype(int) - images[0]).mean() > 10  # it begins here
        expected = np.zeros(2 * RATE)
        if at is not None:
            expected = chirp(np.arange(2 * RATE) / RATE, at, top)
            assert abs(lag(sound, expected, RATE)) < 0.002
        assert np.abs(sound - expected).max() < 0.05


def test_between_events_is_stillness_and_silence(folder, tmp_path):
    database = made(folder, tmp_path, "--workers", "1")
    for name, entry in database.items():
        edges = [0, *np.ravel([e["segment"] for e in entry["annotations"]])]
        edges = np.array([*edges, entry["duration"]]).reshape(-1, 2)
        assert (np.diff(edges) > 0.39).all() and entry["duration"] <= 8
        with open_media(str(tmp_path / "videos" / f"{name}.mp4")) as media:
            assert media.extent == pytest.approx((0, entry["duration"]), abs=0.01)
            for start, end in edges:
                images = np.stack(media.frames_at(np.arange(start, end - 0.02, 0.04)))
                assert np.ptp(images.astype(int), axis=0).max() < 12
                assert np.abs(media.waveform(start, end, RATE)).max() < 1e-3


def test_background_of_other_classes(folder, tmp_path):
    """Parts of the one clip whose class is no event's, as long as gaps ask."""
    more = ["--background", str(folder / "others.txt"), "--workers", "1"]
    names = str(folder / "others_classes.txt")
    database = made(folder, tmp_path, *more, "--background-classes", names)
    for name, entry in database.items():
        start = entry["annotations"][0]["segment"][0]
        with open_media(str(tmp_path / "videos" / f"{name}.mp4")) as media:
            seen = numbers(media.frames_at(np.arange(0, start - 0.02, 0.04)))
        assert np.diff(seen).tolist() == [1] * (round(start * 25) - 1)


def test_the_seed_alone_decides(folder, tmp_path):
    database = made(folder, tmp_path, "--workers", "1")
    lost = tmp_path / "videos" / f"{next(iter(database))}.mp4"
    content = lost.read_bytes()
    lost.unlink()
    assert made(folder, tmp_path, "--workers", "1") == database
    assert lost.read_bytes() == content
    with pytest.raises(SystemExit, match="made with"):
        made(folder, tmp_path, "--seed", "1")
    (tmp_path / "own").mkdir()
    (tmp_path / "own/thesis.doc").touch()
    with pytest.raises(SystemExit, match="holds no joined data set"):
        made(folder, tmp_path / "own")


def test_lengths_are_bounded():
    rng = np.random.default_rng(0)
    clip = plan.Clip
    events = [
        clip(f"{k}.mp4", "ab"[k % 2], 0.0, rng.uniform(0.1, 20)) for k in range(99)
    ]
    others = [clip("x.mp4", None, 0.0, 3.0), clip("y.mp4", None, 0.0, 0.5)]
    form = plan.JoinedForm(seconds=30, longest=5, gaps=(1, 4))
    videos = plan.plan_videos(rng, events, others, form, per_class=20)
    pieces = [piece for video in videos for piece in video]
    labels = [piece.label for piece in pieces if piece.label]
    assert sorted(labels) == ["a"] * 20 + ["b"] * 20
    assert max(sum(piece.frames for piece in video) for video in videos) <= 30 * 25
    assert max(piece.frames for piece in pieces if piece.label) == 5 * 25
    for video in videos:
        gap = 0
        for piece in [*video, None]:
            if piece is None or piece.label:
                assert 25 <= gap <= 100
                gap = 0
            else:
                gap += piece.frames
    seconds = {c.path: c.seconds for c in [*events, *others]}
    for piece in pieces:
        end = piece.start + piece.frames / 25
        assert end <= seconds[piece.path] + 1e-3


def test_what_cannot_be_joined_is_said_at_once(folder, tmp_path):
    lines = ["low.mp4 0", "gone.mp4 1", "low.mp4 9", "bad.mp4 0"]
    (folder / "bad.mp4").write_bytes(b"no video at all")
    (folder / "wrong.txt").write_text("\n".join(lines))
    with pytest.raises(SystemExit) as error:
        join.main([str(folder / "wrong.txt"), "--out", str(tmp_path / "out")])
    for number in (2, 3, 4):
        assert f"wrong.txt:{number}: " in str(error.value)
    assert "wrong.txt:1: " not in str(error.value) and not (tmp_path / "out").exists()
    for more, message in [
        (["--background", str(folder / "events.txt")], "none of the events'"),
        (["--seconds", "2"], "does not fit"),
        (["--size", "127", "96"], "even"),
    ]:
        with pytest.raises(SystemExit, match=message):
            join.main([str(folder / "events.txt"), "--out", str(tmp_path), *more])
