"""Annotation files of events, by the name of their format, read strictly."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from ..annotation import AnnotationError, say_left_out
from ..formats import Formats
from .checks import film_problems, label_problems, mended
from .film import Film


class EventAnnotation(NamedTuple):
    """What an annotation file says.

    Args:
        films: In the order of the file.
        classes: Names of the classes in the order of their numbers, if the file numbers
            them; else all labels of the file (of every subset), sorted.
        problems: ``file:line: reason`` or ``file: key: reason`` each.
        instants: Whether events are points in time.
        subsets: The subset of each film; None if the format has none.
    """

    films: list[Film]
    classes: list[str]
    problems: list[str]
    instants: bool = False
    subsets: list[str] | None = None


EVENT_FORMATS = Formats()
event_format = EVENT_FORMATS.named


def parse_events(
    path: str,
    format: str = "activitynet",
    subset: str | Collection[str] | None = None,
    *,
    classes: Sequence[str] | None = None,
    allow_overlap: bool = True,
    mend: bool = False,
    ignore_labels: Collection[str] = (),
    options: Mapping | None = None,
) -> EventAnnotation:
    """An annotation file, with what is wrong in it.

    Args:
        path: Of the file.
        format: A key of ``EVENT_FORMATS``.
        subset: Films of these subsets only; None: all.
        classes: Names that labels may have, in the order of their numbers; None: those
            of the file.
        allow_overlap: Whether events of a film may overlap.
        mend: Whether to leave out events that are there twice, or end where or before
            they start, and to cut off what reaches beyond the duration (all of an event
            that begins there), as published files need it. A film of which nothing is
            left then is left out, and a warning names it.
        ignore_labels: Events of these labels are left out.
        options: Of the reader.

    Raises:
        ValueError: There is no such format, or it has no subsets.
        FileNotFoundError: There is no such file.
        AnnotationError: It is of another kind.
    """
    found = EVENT_FORMATS.read(path, format, subset, options)
    films = [_without(film, ignore_labels) for film in found.films]
    lost = []
    if mend:
        films, lost = _mended(films, found.instants)
    names = [name for name in found.classes if name not in ignore_labels]
    names = list(classes) if classes is not None else names
    problems = list(found.problems)
    for film in films:
        problems += film_problems(film, found.instants, allow_overlap)
        problems += label_problems(film, names)
    say_left_out(path, lost, bool(films), problems, "event")
    return found._replace(films=films, classes=names, problems=problems)


def read_events(path: str, *args, **kwargs) -> EventAnnotation:
    """As :func:`parse_events`, but what is wrong is an error.

    Raises:
        AnnotationError: Something in the file cannot be used; lists it all.
    """
    found = parse_events(path, *args, **kwargs)
    if found.problems:
        raise AnnotationError(found.problems)
    return found


def _mended(films: list[Film], instants: bool) -> tuple[list[Film], list[str]]:
    """The films mended, and where those are of which no event is left."""
    kept, lost = [], []
    for film in films:
        better = mended(film, instants)
        if better.events or not film.events:
            kept.append(better)
        else:
            lost.append(film.where)
    return kept, lost


def _without(film: Film, labels: Collection[str]) -> Film:
    if not labels:
        return film
    return film._replace(events=[e for e in film.events if e.label not in labels])
