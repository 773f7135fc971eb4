"""Formats of instants: SoccerNet's labels, and the JSON of E2E-Spot."""

from __future__ import annotations

import os
import re

from ..annotation import LINE_END, read_text, shown
from .annotation import EventAnnotation, event_format
from .film import Event, Film, number_of
from .films_of_rows import labels_of
from .json_text import Mistakes, read_json, shown_value

GAME_TIME = re.compile(r"([12]) - ([0-9]{1,3}):([0-5][0-9])")
# Seconds between gameTime, whole seconds of the half, and position.
APART = 2.0


@event_format("soccernet")
def read_soccernet(path: str, name: str = "{game}/{half}_224p") -> EventAnnotation:
    """SoccerNet's ``Labels-v2.json`` of a game, or a text file that lists several.

    An annotation has a ``gameTime`` like ``"1 - 0:31"`` (half, minutes and seconds) and
    a ``position``, a text of milliseconds from the start of the half; where the latter
    is missing the former counts. Each half is a film (Deliege et al., CVPRW 2021).

    Args:
        path: A ``.json`` of a game; else a list of such files, one a line, relative to
            its own folder.
        name: Of the file of a half; ``{game}`` is ``UrlLocal``.
    """
    mistakes = Mistakes(path)
    games = [path] if path.endswith(".json") else _listed(path)
    films = []
    for game in games:
        films += _halves(game, name, mistakes)
    return EventAnnotation(films, labels_of(films), mistakes, True)


@event_format("e2e_spot")
def read_e2e_spot(path: str, fps: float | None = None) -> EventAnnotation:
    """``[{"video", "num_frames", "fps", "events": [{"frame", "label"}]}]``.

    Frames count from 0; one is at ``frame / fps`` seconds (Hong et al., ECCV 2022).

    Args:
        path: Of the file.
        fps: Of the videos whose entry does not say it, or says -1: FineDiving's.
    """
    mistakes = Mistakes(path)
    entries = read_json(path, mistakes)
    if not isinstance(entries, list):
        mistakes.note("", f"must be a list of videos, got {shown_value(entries)}")
        entries = []
    films: dict[str, Film] = {}
    for index, entry in enumerate(entries):
        film = _spotted(entry, f"[{index}]", fps, mistakes)
        if film is not None and films.setdefault(film.id, film) is not film:
            mistakes.note(f"[{index}]", f"video {shown(film.id)} is there twice")
    found = list(films.values())
    return EventAnnotation(found, labels_of(found), mistakes, True)


def _listed(path: str) -> list[str]:
    lines = [line.strip() for line in LINE_END.split(read_text(path))]
    return [os.path.join(os.path.dirname(path), line) for line in lines if line]


def _halves(path: str, name: str, mistakes: Mistakes) -> list[Film]:
    """The two films of a game."""
    own = Mistakes(path)
    content = read_json(path, own)
    game = own.typed(content, "UrlLocal", str, "") or ""
    game = game.strip().rstrip("/")
    films = []
    for half in "12":
        file = name.format(game=game, half=half)
        films.append(Film(file, file, None, [], f"{path}: half {half}"))
    for index, one in enumerate(own.typed(content, "annotations", list, "") or []):
        key = f"annotations[{index}]"
        label = own.typed(one, "label", str, key)
        place = _place(one, key, own)
        if label is not None and place is not None:
            half, seconds = place
            where = f"{path}: {key}"
            films[half - 1].events.append(Event(seconds, seconds, label.strip(), where))
    mistakes += own
    return films


def _place(one: dict, key: str, mistakes: Mistakes) -> tuple[int, float] | None:
    """Half and seconds from its start."""
    text = mistakes.typed(one, "gameTime", str, key)
    match = GAME_TIME.fullmatch(text.strip()) if text is not None else None
    if match is None:
        if text is not None:
            mistakes.note(key, f"'gameTime' must be like '1 - 0:31', got {shown(text)}")
        return None
    half, minutes, seconds = map(int, match.groups())
    clock = 60.0 * minutes + seconds
    position = one.get("position")
    if position is None:
        return half, clock
    number = number_of(position)
    if number is None:
        got = shown_value(position)
        mistakes.note(key, f"'position' must be milliseconds, got {got}")
        return None
    if abs(number / 1000 - clock) > APART:
        mistakes.note(key, f"'position' {number:g} ms is not at gameTime {text}")
    return half, number / 1000


def _spotted(
    entry: object, key: str, fps: float | None, mistakes: Mistakes
) -> Film | None:
    """A video of E2E-Spot."""
    if not isinstance(entry, dict):
        mistakes.note(key, f"must be an object, got {shown_value(entry)}")
        return None
    video = entry.get("video")
    if not isinstance(video, (str, int)) or isinstance(video, bool) or video == "":
        mistakes.note(key, f"'video' must be a text, got {shown_value(video)}")
        return None
    rate = entry.get("fps")
    rate = fps if rate in (None, -1) else rate
    if rate is None:
        reason = "says no 'fps', or -1; format_options=dict(fps=...) does"
        mistakes.note(f"{key} {video}", reason)
    else:
        rate = mistakes.number(rate, "'fps'", f"{key} {video}")
    count = mistakes.number(entry.get("num_frames"), "'num_frames'", f"{key} {video}")
    listed = mistakes.typed(entry, "events", list, f"{key} {video}") or []
    if rate is None or count is None:
        return None
    if rate <= 0 or count <= 0:
        mistakes.note(f"{key} {video}", "'fps' and 'num_frames' must be positive")
        return None
    events = []
    for index, one in enumerate(listed):
        at = f"{key} {video}: events[{index}]"
        if not isinstance(one, dict):
            mistakes.note(at, f"must be an object, got {shown_value(one)}")
            continue
        label = mistakes.typed(one, "label", str, at)
        frame = mistakes.number(one.get("frame"), "'frame'", at)
        if label is not None and frame is not None:
            if frame >= count:
                mistakes.note(at, f"frame {frame:g} of {count:g} frames, from 0")
            where = f"{mistakes.path}: {at}"
            events.append(Event(frame / rate, frame / rate, label.strip(), where))
    return Film(str(video), str(video), count / rate, events, f"{mistakes.path}: {key}")
