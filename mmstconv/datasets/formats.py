"""Formats of annotations, by their names."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .captions import CaptionAnnotation
    from .events import EventAnnotation

    Annotation = EventAnnotation | CaptionAnnotation


class Formats(dict[str, Callable]):
    """Readers by the name of their format: ``reader(path, **options)``.

    An annotation has ``films`` and ``subsets``, the subset of each; None if the format
    has none.
    """

    def named(self, name: str) -> Callable[[Callable], Callable]:
        """Decorator that makes a reader known by the name of its format."""

        def register(reader: Callable) -> Callable:
            self[name] = reader
            return reader

        return register

    def read(
        self,
        path: str,
        format: str,
        subset: str | Collection[str] | None,
        options: Mapping | None,
    ) -> Annotation:
        """An annotation file, with the films of some subsets alone.

        Args:
            path: Of the file.
            format: One of these.
            subset: Films of these subsets only; None: all.
            options: Of the reader.

        Raises:
            ValueError: There is no such format, or it has no subsets.
        """
        if format not in self:
            close = get_close_matches(str(format), self, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            raise ValueError(
                f"format must be one of {sorted(self)}, got {format!r}{hint}"
            )
        found = self[format](path, **(options or {}))
        if subset is None:
            return found
        if found.subsets is None:
            raise ValueError(
                f"{path}: format {format!r} has no subsets, a file is one; got "
                f"subset={subset!r}"
            )
        wanted = {subset} if isinstance(subset, str) else set(subset)
        known = set(found.subsets)
        if unknown := sorted(wanted - known):
            raise ValueError(
                f"{path}: no video is of subset {', '.join(map(repr, unknown))}; there "
                f"are {', '.join(map(repr, sorted(known)))}"
            )
        pairs = zip(found.films, found.subsets)
        films = [film for film, its_subset in pairs if its_subset in wanted]
        return found._replace(films=films)
