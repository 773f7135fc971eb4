"""Lists in MMAction2's form, ``path label`` a line, and names that they can carry."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path


def listed_name(path: Path, folder: Path) -> str:
    """A file's name in a list: below the folder if it lies there, else absolute.

    Args:
        path: Of the file.
        folder: Of the videos.
    """
    name = os.path.relpath(path, folder)
    return os.path.abspath(path) if name.split(os.sep)[0] == ".." else name


def name_problem(name: str) -> str | None:
    """Why a list cannot carry a file's name; None if it can."""
    if "\n" in name or "\r" in name:
        return "its name has a line break, which no list can carry: rename it"
    try:
        name.encode()
    except UnicodeEncodeError:
        return (
            "its name is not UTF-8, as lists are: rename it "
            "(convmv -f latin1 -t utf8 --notest, for one)"
        )
    return None


def list_text(rows: Iterable[tuple[str, Sequence[int]]]) -> str:
    """The text of a list, in order.

    Args:
        rows: Name and labels of each file.
    """
    return "".join(
        " ".join([_marked(name), *map(str, labels)]) + "\n" for name, labels in rows
    )


def printable(text: str) -> str:
    """A text in one line of UTF-8; what cannot be shown is an escape."""
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in text)


def _marked(name: str) -> str:
    """A name that begins with what a reader takes away, kept by ``./`` before it."""
    return name if name == name.strip().lstrip("\ufeff") else f"./{name}"
