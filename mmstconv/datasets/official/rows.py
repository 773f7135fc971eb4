"""Lines and cells of list files that name no columns."""

from __future__ import annotations

import csv
from collections.abc import Iterator

from ..annotation import LINE_END, AnnotationError, read_text, shown
from ..events.film import number_of
from .collected import Collected


def lines_of(found: Collected, file: str) -> Iterator[tuple[str, str]]:
    """``(file:line, text)`` of each line that is not blank.

    A byte order mark and Windows line ends are tolerated.
    """
    path = str(found.tree.path(file))
    for number, line in enumerate(LINE_END.split(read_text(path)), 1):
        if line := line.strip():
            yield f"{path}:{number}", line


def cells_of(
    found: Collected, file: str, count: int, form: str, comment: str | None = None
) -> Iterator[tuple[str, list[str]]]:
    """``(file:line, cells)`` of a comma separated file; other rows are mistakes.

    Args:
        found: Mistakes go there.
        file: In the tree.
        count: Cells of a row.
        form: How a row should look, for messages.
        comment: What lines begin with that are none.
    """
    for where, line in lines_of(found, file):
        if comment is not None and line.startswith(comment):
            continue
        try:
            cells = next(csv.reader([line], skipinitialspace=True, strict=True))
        except csv.Error as error:
            found.mistake(where, f"is no row of a table ({error})")
            continue
        if len(cells) != count:
            found.mistake(where, f"expected {form}, got {shown(line)}")
        else:
            yield where, [cell.strip() for cell in cells]


def numbered_classes(
    found: Collected, file: str, pairs: list[tuple[str, str, str]], first: int = 0
) -> dict[str, int]:
    """``{name: number}`` of a file of classes; the numbers must go without a gap.

    Args:
        found: Mistakes go there.
        file: In the tree.
        pairs: ``(file:line, name, number)``.
        first: The lowest number; those returned begin at 0.

    Raises:
        AnnotationError: The file cannot be used, so that nothing else can be read.
    """
    numbers: dict[str, int] = {}
    used: dict[int, str] = {}
    for where, name, text in pairs:
        if not (text.isascii() and text.isdigit()):
            found.mistake(where, f"number {shown(text)} is not an integer")
        elif not name:
            found.mistake(where, "the name of the class is blank")
        elif name in numbers:
            found.mistake(where, f"class {shown(name)} is there twice")
        elif used.setdefault(int(text), name) != name:
            other = shown(used[int(text)])
            found.mistake(where, f"number {text} is of {other} already")
        else:
            numbers[name] = int(text) - first
    if not numbers and not found.mistakes:
        found.mistake(str(found.tree.path(file)), "names no class")
    expected = range(first, first + len(used))
    if not found.mistakes and sorted(used) != list(expected):
        gone = sorted(set(expected) - set(used))[:5]
        found.mistake(
            str(found.tree.path(file)),
            f"the {len(used)} classes must be numbered from {first} to "
            f"{expected[-1]}; not there: {', '.join(map(str, gone))}",
        )
    if found.mistakes:
        raise AnnotationError(found.mistakes)
    return numbers


def span_of(
    found: Collected, where: str, start: str, end: str
) -> tuple[float, float] | None:
    """Begin and end in seconds; None and a mistake if they are none."""
    edges = times_of(found, where, start, end)
    if edges is None:
        return None
    if not 0 <= edges[0] < edges[1]:
        found.mistake(
            where,
            f"{edges[0]:g} to {edges[1]:g} s: must begin at 0 or later, and end after "
            "that",
        )
        return None
    return edges


def times_of(
    found: Collected, where: str, start: str, end: str
) -> tuple[float, float] | None:
    """Two times in seconds, in any order; None and a mistake if they are none."""
    edges = number_of(start), number_of(end)
    if None not in edges:
        return edges
    found.mistake(where, f"{shown(start)} to {shown(end)} are not times in seconds")
    return None


def in_order(numbers: dict[str, int]) -> list[str]:
    """The names of classes in the order of their numbers."""
    return sorted(numbers, key=numbers.__getitem__)
