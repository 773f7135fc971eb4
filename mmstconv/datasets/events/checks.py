"""What may be wrong with the events of a film."""

from __future__ import annotations

from collections.abc import Sequence

from ..annotation import shown
from .film import Event, Film

# Seconds that an event may end after its film: durations are rounded.
ROUNDING = 0.1


def film_problems(film: Film, instants: bool, allow_overlap: bool) -> list[str]:
    """What is wrong with the times of a film's events.

    Args:
        film: With its events.
        instants: Whether events are points in time.
        allow_overlap: Whether events may overlap.

    Returns:
        ``where: reason`` each.
    """
    problems = []
    first: dict[tuple, Event] = {}
    for event in film.events:
        problems += [f"{event.where}: {r}" for r in _reasons(event, film, instants)]
        other = first.setdefault(event[:3], event)
        if other is not event:
            problems.append(
                f"{event.where}: is the same event as {other.where}; mend=True leaves "
                "it out"
            )
    if not allow_overlap and not instants:
        problems += _overlaps(film.events)
    return problems


def label_problems(film: Film, classes: Sequence[str]) -> list[str]:
    """Labels of a film that are none of the classes; ``where: reason`` each."""
    known, problems = set(classes), []
    for event in film.events:
        if isinstance(event.label, int):
            if not 0 <= event.label < len(classes):
                problems.append(
                    f"{event.where}: label {event.label} is outside the {len(classes)} "
                    f"classes (0 to {len(classes) - 1})"
                )
        elif event.label not in known:
            problems.append(
                f"{event.where}: label {shown(event.label)} is none of the "
                f"{len(classes)} classes"
            )
    return problems


def mended(film: Film, instants: bool) -> Film:
    """The film without events that are there twice or have no length in it.

    What reaches beyond the duration is cut off there; nothing is left of an event that
    begins there, nor of one that ends before it starts.
    """
    events: dict[tuple, Event] = {}
    for event in film.events:
        if not instants and film.duration is not None:
            event = event._replace(end=min(event.end, film.duration))
        if instants or event.start < event.end:
            events.setdefault(event[:3], event)
    return film._replace(events=list(events.values()))


def _reasons(event: Event, film: Film, instants: bool) -> list[str]:
    span = f"{event.start:g}" if instants else f"{event.start:g} to {event.end:g}"
    reasons = ["the label is blank"] if event.label == "" else []
    if event.start < 0:
        reasons.append(f"{span} s: is before the film begins")
    if event.end < event.start:
        reasons.append(f"{span} s: ends before it starts; mend=True leaves it out")
    if event.end == event.start and not instants:
        reasons.append(f"{span} s: has no length; mend=True leaves it out")
    if film.duration is not None and event.end > film.duration + ROUNDING:
        cut = "cuts it off" if event.start < film.duration else "leaves it out"
        cut = "" if instants else f"; mend=True {cut}"
        reasons.append(
            f"{span} s: reaches beyond the film, which lasts {film.duration:g} s{cut}"
        )
    return reasons


def _overlaps(events: Sequence[Event]) -> list[str]:
    """Each event that begins before an earlier one has ended."""
    problems, last = [], None
    for event in sorted(events, key=lambda e: e[:2]):
        if last is not None and event.start < last.end:
            problems.append(
                f"{event.where}: {event.start:g} to {event.end:g} s: overlaps "
                f"{last.start:g} to {last.end:g} s of {last.where}; allow_overlap=True "
                "accepts that"
            )
        if last is None or event.end > last.end:
            last = event
    return problems
