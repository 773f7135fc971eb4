"""What was found broken in a file, as its reader reports it."""

from __future__ import annotations

from collections.abc import Hashable, Iterable


class Damage:
    """Collects what is found broken, each place once however often it is read."""

    def __init__(self) -> None:
        self._places: dict[str, set] = {}

    def note(self, what: str, places: Iterable[Hashable] = (None,)) -> None:
        """Notes a kind of damage; without places it is one of the whole file."""
        places = set(places)
        if places:
            self._places.setdefault(what, set()).update(places)

    def report(self) -> tuple[str, ...]:
        return tuple(
            what if None in places else f"{what}: {len(places)}"
            for what, places in self._places.items()
        )
