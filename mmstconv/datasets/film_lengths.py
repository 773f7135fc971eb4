"""Events that reach beyond the true end of their file."""

from __future__ import annotations

from collections.abc import Iterable

from mmstconv.media import MediaError
from mmstconv.media.remote import Store, open_at

from ..disk import public_name
from .events import Film
from .events.checks import ROUNDING


def length_problems(
    films: Iterable[tuple[Film, str]], store: Store | None = None
) -> list[str]:
    """Opens files, and finds events that begin or end after a file does.

    A file that cannot be opened is left to the reader of samples.

    Args:
        films: With the path of the file of each.
        store: What reads addresses.

    Returns:
        ``where: reason`` each.
    """
    problems = []
    for film, path in films:
        try:
            with open_at(path, store) as media:
                _, end = media.extent
        except (MediaError, OSError):
            continue
        problems += [
            f"{event.where}: {event.start:g} to {event.end:g} s: the file "
            f"{public_name(path)} ends at {end:.2f} s"
            for event in film.events
            if event.end > end + ROUNDING
        ]
    return problems
