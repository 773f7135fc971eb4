"""The tables of EPIC-KITCHENS-100 and EPIC-SOUNDS."""

from __future__ import annotations

import re

from ..annotation import shown
from .annotation import EventAnnotation, event_format
from .csv_text import read_table
from .film import Event, number_of
from .films_of_rows import Films, classes_of_numbers

TIME = re.compile(r"([0-9]+):([0-5]?[0-9]):([0-5]?[0-9](?:\.[0-9]+)?)")
TIMES = ("start_timestamp", "stop_timestamp")
PARTS = ("verb", "noun")


@event_format("epic_kitchens")
def read_epic_kitchens(path: str, label: str = "verb") -> EventAnnotation:
    """EPIC-KITCHENS-100's ``EPIC_100_train.csv`` and so on.

    Times are ``hh:mm:ss.ff``. Frames, which count from 1, are only compared: they must
    be in the order of the times. Labels are the numbers ``verb_class`` or
    ``noun_class``: several verbs share a class, whose name is in the file of classes
    (Damen et al., IJCV 2022).

    Args:
        path: Of the file.
        label: ``'verb'`` or ``'noun'``.
    """
    if label not in PARTS:
        raise ValueError(f"label must be one of {PARTS}, got {label!r}")
    columns = ["video_id", *TIMES, "start_frame", "stop_frame", f"{label}_class"]
    mistakes: list[str] = []
    films = Films()
    for where, row in read_table(path, columns, ",", mistakes):
        mistakes += _frame_mistakes(row, where)
        _add(films, row, f"{label}_class", where, mistakes)
    found = films.listed()
    classes = classes_of_numbers({}, found, mistakes, path)
    return EventAnnotation(found, classes, mistakes)


@event_format("epic_sounds")
def read_epic_sounds(path: str) -> EventAnnotation:
    """EPIC-SOUNDS' ``EPIC_Sounds_train.csv`` and so on, with times ``hh:mm:ss.ff``.

    Labels are the numbers ``class_id``, named by ``class`` (Huh et al., ICASSP 2023).
    """
    mistakes: list[str] = []
    films, names = Films(), {}
    columns = ["video_id", *TIMES, "class", "class_id"]
    for where, row in read_table(path, columns, ",", mistakes):
        number = _add(films, row, "class_id", where, mistakes)
        if (
            number is not None
            and names.setdefault(number, row["class"]) != row["class"]
        ):
            mistakes.append(
                f"{where}: class_id {number} is of {shown(names[number])} elsewhere"
            )
    found = films.listed()
    classes = classes_of_numbers(names, found, mistakes, path)
    return EventAnnotation(found, classes, mistakes)


def seconds_of(text: str) -> float | None:
    """Seconds of ``hh:mm:ss.ff``; None if it is something else."""
    match = TIME.fullmatch(text)
    if match is None:
        return None
    hours, minutes, seconds = match.groups()
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)


def _add(films: Films, row: dict, column: str, where: str, mistakes: list[str]):
    """A row's event; its class, or None and mistakes if it cannot be used."""
    edges = [seconds_of(row[name]) for name in TIMES]
    wrong = [
        f"{where}: {name} {shown(row[name])} is not a time hh:mm:ss.ff"
        for name, edge in zip(TIMES, edges)
        if edge is None
    ]
    if not re.fullmatch("[0-9]{1,9}", row[column]):
        wrong.append(f"{where}: {column} {shown(row[column])} is not a whole number")
    if not row["video_id"]:
        wrong.append(f"{where}: names no video")
    mistakes += wrong
    if wrong:
        return None
    number = int(row[column])
    films.add(row["video_id"], Event(*edges, number, where), where)
    return number


def _frame_mistakes(row: dict, where: str) -> list[str]:
    frames = [number_of(row[name]) for name in ("start_frame", "stop_frame")]
    if None in frames:
        return [f"{where}: start_frame and stop_frame must be numbers"]
    if frames[0] < 1:
        return [f"{where}: start_frame is {frames[0]:g}, frames count from 1"]
    if frames[1] < frames[0]:
        return [f"{where}: stop_frame is before start_frame"]
    return []
