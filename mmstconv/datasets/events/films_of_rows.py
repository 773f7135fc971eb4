"""Films from tables that have a row for each event."""

from __future__ import annotations

from .film import Event, Film


class Films:
    """Collects films in the order in which their files are first named."""

    def __init__(self) -> None:
        self._films: dict[str, Film] = {}

    def add(
        self, name: str, event: Event | None, where: str, duration: float | None = None
    ) -> None:
        """A row.

        Args:
            name: Of the film.
            event: None: the film is named, no event of it.
            where: ``file:line``.
            duration: Of the film, where the format says it.
        """
        film = self._films.setdefault(name, Film(name, name, duration, [], where))
        if event is not None:
            film.events.append(event)

    def listed(self) -> list[Film]:
        """The films so far."""
        return list(self._films.values())


def labels_of(films: list[Film]) -> list[str]:
    """All labels of films, sorted."""
    return sorted({str(event.label) for film in films for event in film.events})


def classes_of_numbers(
    names: dict[int, str], films: list[Film], mistakes: list[str], path: str
) -> list[str]:
    """Names of classes in the order of their numbers, as far as a file tells them.

    Args:
        names: By number.
        films: Whose labels are numbers.
        mistakes: Two numbers of one name are noted.
        path: Of the file.
    """
    twice = sorted({n for n in names.values() if list(names.values()).count(n) > 1})
    mistakes += [f"{path}: class {name!r} has several numbers" for name in twice]
    numbers = [event.label for film in films for event in film.events]
    return [names.get(k, str(k)) for k in range(max(numbers, default=-1) + 1)]
