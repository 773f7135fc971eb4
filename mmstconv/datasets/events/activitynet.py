"""ActivityNet's JSON, and the formats that were made from it."""

from __future__ import annotations

from ..annotation import shown
from .annotation import EventAnnotation, event_format
from .film import Event, Film
from .json_text import Mistakes, read_json, shown_value


@event_format("thumos14")
@event_format("activitynet")
def read_activitynet(path: str) -> EventAnnotation:
    """``{"database": {id: {"subset", "duration", "annotations": [...]}}}``.

    An annotation is ``{"segment": [start, end], "label": name}``, in seconds. THUMOS14
    is passed on in the same form, with the subsets ``validation`` (to train on) and
    ``test``; some copies write ``Validation`` and ``Test``, or ``train``, and of some
    times are texts of numbers. http://activity-net.org/download.html
    """
    mistakes = Mistakes(path)
    return _annotation(path, mistakes, _database(path, mistakes), "duration")


@event_format("unav100")
def read_unav100(path: str) -> EventAnnotation:
    """ActivityNet's JSON whose annotations have a ``label_id`` beside the label.

    Classes are in the order of these numbers (Geng et al., CVPR 2023).
    """
    mistakes = Mistakes(path)
    database = _database(path, mistakes)
    found = _annotation(path, mistakes, database, "duration")
    return found._replace(classes=_numbered(database, mistakes) or found.classes)


@event_format("mmaction2")
def read_mmaction2(path: str) -> EventAnnotation:
    """``{id: {"duration_second", "annotations": [...]}}``, as MMAction2's localizers.

    There are no subsets: a file is one. Ids stay whole, with ``v_``.
    """
    mistakes = Mistakes(path)
    database = read_json(path, mistakes)
    if not isinstance(database, dict) or "database" in database:
        mistakes.note("", "must be an object of videos by id, without 'database'")
        database = {}
    found = _annotation(path, mistakes, database, "duration_second")
    return found._replace(subsets=None)


def _database(path: str, mistakes: Mistakes) -> dict:
    return mistakes.typed(read_json(path, mistakes), "database", dict, "") or {}


def _annotation(
    path: str, mistakes: Mistakes, database: dict, duration_key: str
) -> EventAnnotation:
    """The films of a database.

    Args:
        path: Of the file.
        mistakes: What is wrong is added.
        database: Videos by id.
        duration_key: What the entries call the duration.
    """
    films, subsets = [], []
    for name, entry in database.items():
        at = f"{name}"
        if not isinstance(entry, dict):
            mistakes.note(at, f"must be an object, got {shown_value(entry)}")
            continue
        duration = entry.get(duration_key)
        if duration is not None:
            duration = mistakes.positive(duration, f"{duration_key!r}", at)
        events = _events(entry, mistakes, at) if entry.get("annotations") else []
        films.append(Film(name, name, duration, events, f"{path}: {at}"))
        subsets.append(str(entry.get("subset", "")))
    labels = {event.label for film in films for event in film.events}
    return EventAnnotation(films, sorted(labels), mistakes, subsets=subsets)


def _events(entry: dict, mistakes: Mistakes, at: str) -> list[Event]:
    events = []
    for index, one in enumerate(mistakes.typed(entry, "annotations", list, at) or []):
        key = f"{at}: annotations[{index}]"
        if not isinstance(one, dict):
            mistakes.note(key, f"must be an object, got {shown_value(one)}")
            continue
        label = mistakes.typed(one, "label", str, key)
        segment = mistakes.typed(one, "segment", list, key)
        if segment is not None and len(segment) != 2:
            mistakes.note(key, f"'segment' must be [start, end], got {segment}")
            segment = None
        if segment is None or label is None:
            continue
        edges = [mistakes.number(one, "an edge", key, text=True) for one in segment]
        if None not in edges:
            events.append(Event(*edges, label.strip(), f"{mistakes.path}: {key}"))
    return events


def _numbered(database: dict, mistakes: Mistakes) -> list[str]:
    """Labels in the order of their ``label_id``; a mistake if these do not fit."""
    names: dict[int, str] = {}
    for video, entry in database.items():
        listed = entry.get("annotations") if isinstance(entry, dict) else None
        for index, one in enumerate(listed if isinstance(listed, list) else []):
            if not isinstance(one, dict) or not isinstance(one.get("label"), str):
                continue
            number, label = one.get("label_id"), one["label"].strip()
            at = f"{video}: annotations[{index}]"
            if not isinstance(number, int) or isinstance(number, bool):
                what = shown_value(number)
                mistakes.note(at, f"'label_id' must be an integer, got {what}")
            elif names.setdefault(number, label) != label:
                other = shown(names[number])
                mistakes.note(at, f"'label_id' {number} is of {other} elsewhere")
    if len(set(names.values())) < len(names):
        mistakes.note("", "a label has several numbers in 'label_id'")
    if sorted(names) != list(range(len(names))):
        return []  # some class has no event here: classes.txt or the config names all
    return [names[number] for number in sorted(names)]
