"""JSON of films whose actions are numbers of classes, as dense detection has it."""

from __future__ import annotations

from .annotation import EventAnnotation, event_format
from .film import Event, Film
from .films_of_rows import classes_of_numbers
from .json_text import Mistakes, read_json, shown_value


@event_format("multithumos")
def read_multithumos(path: str) -> EventAnnotation:
    """``{id: {"subset", "duration", "actions": [[class, start, end], ...]}}``.

    Seconds; classes count from 1 here, as in MultiTHUMOS' list of them (Yeung et al.,
    IJCV 2018), and labels from 0. Subsets are ``training`` and ``testing``. The form is
    that of the code of Piergiovanni and Ryoo, CVPR 2018.
    """
    return _read(path, first=1)


@event_format("charades")
def read_charades(path: str) -> EventAnnotation:
    """As :func:`read_multithumos`; classes count from 0, as Charades' codes do."""
    return _read(path, first=0)


def _read(path: str, first: int) -> EventAnnotation:
    """The films of a file.

    Args:
        path: Of the file.
        first: The lowest number of a class.
    """
    mistakes = Mistakes(path)
    entries = read_json(path, mistakes)
    if not isinstance(entries, dict):
        mistakes.note("", "must be an object of videos by id")
        entries = {}
    films, subsets = [], []
    for name, entry in entries.items():
        duration = mistakes.positive(
            entry.get("duration") if isinstance(entry, dict) else None,
            "'duration'",
            name,
        )
        listed = mistakes.typed(entry, "actions", list, name) or []
        if duration is None:
            continue
        actions = [
            _action(one, first, mistakes, f"{name}: actions[{index}]")
            for index, one in enumerate(listed)
        ]
        events = [event for event in actions if event is not None]
        films.append(Film(name, name, duration, events, f"{path}: {name}"))
        subsets.append(str(entry.get("subset", "")))
    classes = classes_of_numbers({}, films, mistakes, path)
    return EventAnnotation(films, classes, mistakes, subsets=subsets)


def _action(one: object, first: int, mistakes: Mistakes, at: str) -> Event | None:
    if not isinstance(one, list) or len(one) != 3:
        mistakes.note(at, f"must be [class, start, end], got {shown_value(one)}")
        return None
    number, *edges = (mistakes.number(value, "each of it", at) for value in one)
    if None in (number, *edges):
        return None
    if number != int(number) or number < first:
        mistakes.note(at, f"the class must be a whole number from {first} on")
        return None
    return Event(*edges, int(number) - first, f"{mistakes.path}: {at}")
