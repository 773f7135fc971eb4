"""What was found broken in a file, as its reader reports it."""

from __future__ import annotations

from collections.abc import Hashable, Iterable


class Damage:
    """Collects what is found broken. A place that is read again counts once."""

    def __init__(self) -> None:
        self._places: dict[str, set] = {}

    def note(self, what: str, places: Iterable[Hashable] = (None,)) -> None:
        """Notes damage.

        Args:
            what: The kind of damage, in words.
            places: Where it is; by default the whole file. Nothing is noted if there
                are none.
        """
        places = set(places)
        if places:
            self._places.setdefault(what, set()).update(places)

    def report(self) -> tuple[str, ...]:
        """Each kind of damage, with the number of its places."""
        return tuple(
            what if None in places else f"{what}: {len(places)}"
            for what, places in self._places.items()
        )
