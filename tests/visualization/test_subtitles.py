"""Subtitles, read back by FFmpeg's decoders."""

from __future__ import annotations

import json

import av
import pytest

from mmstconv.disk import ForeignFile
from mmstconv.visualization.subtitles import to_srt, to_vtt, write_subtitles

HOURS = 140 * 3600.0
CAPTIONS = [
    (HOURS - 0.5, HOURS + 0.25, "late, \u65e5\u672c \u00e9"),
    (0.0, 2.5, 'He says, "stop" & <b>goes</b> -> 1 < 2 &amp;'),
    (1.5, 4.0, "over\nlaps\n\n\tagain "),
    (3.0, 3.5, " \n"),
    (3.9996, 3.9996, "2"),
    (5.0, 6.0, "00:00:05,000 --> 00:00:07,000"),
]
SHOWN = [
    (0.0, 2.5, 'He says, "stop" & <b>goes</b> -> 1 < 2 &amp;'),
    (1.5, 4.0, "over\nlaps\nagain"),
    (4.0, 4.0, "2"),
    (5.0, 6.0, "00:00:05,000 -> 00:00:07,000"),
    (HOURS - 0.5, HOURS + 0.25, "late, \u65e5\u672c \u00e9"),
]


def read(path):
    """``[(start, end, text)]`` as a player gets them."""
    found = []
    with av.open(str(path)) as file:
        stream = file.streams.subtitles[0]
        for packet in file.demux(stream):
            for one in packet.decode() if packet.pts is not None else ():
                start = float(packet.pts * stream.time_base)
                end = start + float(packet.duration * stream.time_base)
                found.append((start, end, one.dialogue.decode()))
    return found


@pytest.mark.parametrize("suffix", ["srt", "vtt"])
def test_a_player_shows_what_was_said(tmp_path, suffix):
    path = tmp_path / "sub" / f"film.{suffix}"
    write_subtitles(CAPTIONS, path)
    found = [(s, e, text.replace("\u2060", "")) for s, e, text in read(path)]
    assert [one[2] for one in found] == [one[2] for one in SHOWN]
    times = [time for one in found for time in one[:2]]
    assert times == pytest.approx([time for one in SHOWN for time in one[:2]], abs=1e-6)


def test_json_keeps_texts_as_they_are(tmp_path):
    path = tmp_path / "film.json"
    write_subtitles(CAPTIONS, path)
    rows = [tuple(one.values()) for one in json.loads(path.read_text("utf-8"))]
    assert rows == sorted(CAPTIONS)
    assert list(json.loads(path.read_text())[0]) == ["start", "end", "text"]


def test_markup_of_srt_is_no_markup(tmp_path):
    path = tmp_path / "film.srt"
    write_subtitles([(0, 1, r"{\an8}up {i}")], path)
    assert read(path) == [(0, 1, r"(\an8)up (i)")]


def test_nothing_said(tmp_path):
    assert to_srt([]) == "" and to_vtt([]) == "WEBVTT\n"
    write_subtitles([], tmp_path / "film.vtt")
    assert read(tmp_path / "film.vtt") == []


def test_what_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"subtitles end with .srt, .vtt, .json, got"):
        write_subtitles([], tmp_path / "film.ass")
    for start, end in ((2, 1), (-1, 1), (0, float("nan"))):
        with pytest.raises(ValueError, match="to an end not before it, got"):
            write_subtitles([(start, end, "x")], tmp_path / "film.srt")
    mine = tmp_path / "mine.srt"
    mine.write_text("mine")
    with pytest.raises(ForeignFile):
        write_subtitles([(0, 1, "x")], mine)
    assert mine.read_text() == "mine"
