"""Sentences of files: whole, parts, events, subtitles, live; what is done is kept."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
from conftest import load_script
from helpers_media import coded_frames
from tools.test_analyze_tool import call, folder, joined, parts  # noqa: F401

from mmstconv import apis
from mmstconv.apis import caption_events, caption_video, captions, load_recognizer
from mmstconv.media import write_media

TOOL = load_script("tools/caption.py")
CPU = ("--device", "cpu")


def said_of(out, name):
    return json.loads(out.read_text("utf-8"))["results"][name]


def same(rows, captions):
    return [(one["sentence"], *one["timestamp"]) for one in rows] == [
        (one.text, *[pytest.approx(t, abs=1e-3) for t in one[:2]]) for one in captions
    ]


def test_a_folder(monkeypatch, capsys, parts, folder, tmp_path):  # noqa: F811
    out = tmp_path / "said.json"
    options = (*parts["captions"], folder, "--out", out, *CPU)
    assert call(monkeypatch, TOOL, *options) == 1
    assert "1 of 3 files cannot be used" in capsys.readouterr().err
    model = load_recognizer(*map(str, parts["captions"]), "cpu")
    for name in "ab":
        expected = caption_video(model, folder / f"{name}.mp4")
        assert same(said_of(out, name), expected) and len(expected) == 1
    read, before = [], out.read_bytes()
    monkeypatch.setattr(apis, "caption_video", lambda *a, **k: read.append(a))
    assert call(monkeypatch, TOOL, *options) == 1
    assert not read and out.read_bytes() == before


def test_events_and_subtitles(monkeypatch, parts, joined, folder, tmp_path):  # noqa: F811
    """Events of the model itself, and of another one on the same streams."""
    out, film = tmp_path / "dense.json", folder / "a.mp4"
    options = ("--dense", "--threshold", 0.1, *CPU)
    subtitles = ("--subtitles", "srt", "vtt")
    done = call(monkeypatch, TOOL, *joined, film, *options, *subtitles, "--out", out)
    assert done == 0
    model = load_recognizer(*map(str, joined), "cpu")
    expected = caption_events(model, film, threshold=0.1)
    assert same(said_of(out, "a"), expected) and len(expected) > 2
    srt = (tmp_path / "dense-a.srt").read_text()
    assert srt.count(" --> ") == len(expected) and expected[0].text in srt
    assert (tmp_path / "dense-a.vtt").read_text().startswith("WEBVTT")
    other = tmp_path / "other.json"
    events = ("--events", *parts["events"])
    done = call(
        monkeypatch, TOOL, *parts["captions"], film, *options, *events, "--out", other
    )
    assert done == 0 and said_of(other, "a") == said_of(out, "a")


def test_where_steps_lie_is_found_once(monkeypatch, joined, folder, tmp_path):  # noqa: F811
    layouts = sys.modules["mmstconv.apis.film_steps"]  # a function has its name too
    found, real = [], layouts.step_layout

    def counted(*arguments):
        found.append(arguments)
        return real(*arguments)

    for place in (layouts, captions):
        monkeypatch.setattr(place, "step_layout", counted)
    films = folder / "a.mp4", folder / "b.mp4"
    for number, options in enumerate(((), ("--dense",)), 1):
        out = tmp_path / f"{number}.json"
        assert call(monkeypatch, TOOL, *joined, *films, *options, "--out", out) == 0
        assert len(found) == number, options


def test_live(monkeypatch, capsys, joined, folder, tmp_path):  # noqa: F811
    film = folder / "a.mp4"  # 4.5 s
    assert call(monkeypatch, TOOL, *joined, film, "--live", "--fast", "--every", 2) == 0
    lines = [line.split(maxsplit=2) for line in capsys.readouterr().out.splitlines()]
    spans = [(float(one[0]), float(one[1])) for one in lines if one[0] in
             ("0.00", "2.00", "4.00")]  # fmt: skip
    assert spans == [(0.0, 2.0), (2.0, 4.0), (4.0, pytest.approx(4.5, abs=0.01))]
    assert all(len(one) == 3 for one in lines if one[0] == "0.00")
    late = tmp_path / "late.mkv"  # its clock begins at 7.25 s
    write_media(late, coded_frames(20), frame_times=7.25 + np.arange(20) / 8)
    assert call(monkeypatch, TOOL, *joined, late, "--live", "--fast", "--every", 2) == 0
    (first, *_) = capsys.readouterr().out.splitlines()[-2:]
    assert first.split()[:2] == ["7.25", "9.25"]
    said = call(monkeypatch, TOOL, *joined, film, "--live", "--every", 0)
    assert "every must be seconds above 0, and no less than a step" in said
    said = call(monkeypatch, TOOL, *joined, folder / "text.mp4", "--live")
    assert "text.mp4" in said


def test_options_that_do_not_go_together(monkeypatch, capsys):
    wrong = []
    for options, text in (
        (("a.mp4", "--out", "a.srt"), "for SRT or VTT take --subtitles"),
        (("a.mp4", "--dense", "--every", "3"), "leave --every out"),
        (("a.mp4", "--events", "c", "d"), "--events goes with --dense"),
        (("a.mp4", "--fast"), "--fast goes with --live"),
        (("a.mp4", "b.mp4", "--live"), "--live takes one FILE"),
        (("a.mp4", "--live", "--out", "a.json"), "leave --out and --subtitles out"),
    ):
        code = call(monkeypatch, TOOL, "c.py", "c.pth", *options)
        if code != 2 or text not in capsys.readouterr().err:
            wrong.append(options)
    assert not wrong
