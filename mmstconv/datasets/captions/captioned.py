"""A film and its sentences, as every reader gives them."""

from __future__ import annotations

from typing import NamedTuple


class Sentence(NamedTuple):
    """A sentence that somebody said of a film, or of a part of it.

    Args:
        text: Without spaces around it, as written otherwise.
        segment: Start and end in seconds of the film; None: the whole file.
        where: ``file:line`` or ``file: key``, for messages.
        source: Number of the annotation file that it is from.
    """

    text: str
    segment: tuple[float, float] | None
    where: str
    source: int = 0


class CaptionedFilm(NamedTuple):
    """A film.

    Args:
        id: As the annotation has it, whole.
        name: Of the file, maybe without its suffix.
        duration: In seconds; None if the annotation does not say.
        sentences: In the order of the annotation.
        where: ``file:line`` or ``file: key``, for messages.
    """

    id: str
    name: str
    duration: float | None
    sentences: list[Sentence]
    where: str


class CaptionedFilms:
    """Collects films in the order in which they are first named."""

    def __init__(self) -> None:
        self._films: dict[str, CaptionedFilm] = {}

    def add(
        self,
        name: str,
        text: str,
        where: str,
        segment: tuple[float, float] | None = None,
        duration: float | None = None,
    ) -> None:
        """A sentence of a film.

        Args:
            name: Of the film.
            text: May be empty: that is found later.
            where: ``file:line`` or ``file: key``.
            segment: Start and end in seconds; None: the whole file.
            duration: Of the film, where the format says it.
        """
        film = self._films.setdefault(
            name, CaptionedFilm(name, name, duration, [], where)
        )
        film.sentences.append(Sentence(text.strip(), segment, where))

    def listed(self) -> list[CaptionedFilm]:
        """The films so far."""
        return list(self._films.values())
