"""What may be wrong with the sentences of a film."""

from __future__ import annotations

from ..annotation import shown
from ..events.checks import film_problems
from ..events.film import Event, Film
from .captioned import CaptionedFilm, Sentence


def sentence_problems(film: CaptionedFilm, distinct: bool) -> list[str]:
    """What is wrong with texts and times of a film's sentences.

    Args:
        film: With its sentences.
        distinct: Whether a sentence that is there twice is a mistake.

    Returns:
        ``where: reason`` each.
    """
    problems = []
    if not film.sentences:
        problems.append(f"{film.where}: has no sentence; mend=True leaves it out")
    if film.name == "":
        problems.append(f"{film.where}: names no file")
    first: dict[tuple, Sentence] = {}
    for one in film.sentences:
        if not one.text:
            problems.append(
                f"{one.where}: the sentence is empty; mend=True leaves it out"
            )
        if one.segment is not None:
            # each alone: two people may say the same of one segment
            problems += film_problems(as_film(film, [one]), False, True)
        other = first.setdefault(one[:2], one)
        if distinct and other is not one and one.text:
            problems.append(
                f"{one.where}: {shown(one.text)} stands at {other.where} as well; "
                "mend=True leaves it out"
            )
    return problems


def mended(film: CaptionedFilm, distinct: bool) -> CaptionedFilm:
    """The film with what can be used of its sentences.

    Empty ones are left out, those of a segment without length, and with ``distinct``
    those that are there twice. What reaches beyond the duration is cut off there.
    """
    kept: list[Sentence] = []
    seen: set[tuple] = set()
    for one in film.sentences:
        if one.segment is not None:
            start, end = one.segment
            if film.duration is not None:
                end = min(end, film.duration)
            if end <= start:
                continue
            one = one._replace(segment=(start, end))
        if one.text and not (distinct and one[:2] in seen):
            kept.append(one)
            seen.add(one[:2])
    return film._replace(sentences=kept)


def as_film(film: CaptionedFilm, sentences: list[Sentence]) -> Film:
    """Sentences as events, for the checks of times; each has to have a segment."""
    events = [Event(*one.segment, one.text or "?", one.where) for one in sentences]
    return Film(film.id, film.name, film.duration, events, film.where)
