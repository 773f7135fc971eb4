"""Published forms of data sets, found by name or by what lies in a folder."""

from __future__ import annotations

import os
from collections.abc import Callable
from difflib import get_close_matches
from typing import NamedTuple

from ..annotation import AnnotationError, listed
from .collected import Collected
from .layout import Layout
from .tree import Tree


class Form(NamedTuple):
    """A published form.

    Args:
        read: Reads a data set of that form, from what :class:`Collected` offers.
        found: Tells whether a folder holds one.
        expects: What must lie in the folder, for messages.
    """

    read: Callable[[Collected], Layout]
    found: Callable[[Tree], bool]
    expects: str


#: By name, in the order in which a folder is looked at: the particular ones first.
FORMS: dict[str, Form] = {}


def form(name: str, found: Callable[[Tree], bool], expects: str):
    """Decorator that makes a reader ``(collected) -> Layout`` known by its name."""

    def register(read: Callable[[Collected], Layout]) -> Callable:
        FORMS[name] = Form(read, found, expects)
        return read

    return register


def find_layout(folder: str | os.PathLike, mend: bool = False) -> Layout | None:
    """The data set in a folder, in whichever form it is; None if in none.

    Args:
        folder: With lists and media, at any depth.
        mend: Whether to leave out lines that repeat earlier ones.

    Raises:
        NotADirectoryError: It is no folder.
        AnnotationError: Its lists cannot be used; names all that is wrong.
        FileNotFoundError: None of the files of its lists is there.
    """
    tree = Tree(folder)
    for name, one in FORMS.items():
        if one.found(tree):
            return _read(tree, name, mend)
    return None


def read_layout(folder: str | os.PathLike, name: str, mend: bool = False) -> Layout:
    """The data set in a folder, which is of a certain form.

    Args:
        folder: With lists and media, at any depth.
        name: A key of ``FORMS``.
        mend: Whether to leave out lines that repeat earlier ones.

    Raises:
        ValueError: There is no such form, or the folder holds none of it.
        NotADirectoryError: It is no folder.
        AnnotationError: Its lists cannot be used; names all that is wrong.
        FileNotFoundError: None of the files of its lists is there.
    """
    if name not in FORMS:
        close = get_close_matches(str(name), FORMS, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise ValueError(f"name must be one of {sorted(FORMS)}, got {name!r}{hint}")
    tree = Tree(folder)
    if not FORMS[name].found(tree):
        raise ValueError(
            f"{tree.root} holds no data set of the form {name!r}: expected "
            f"{FORMS[name].expects}"
        )
    return _read(tree, name, mend)


def _read(tree: Tree, name: str, mend: bool) -> Layout:
    layout = FORMS[name].read(Collected(tree, mend))._replace(name=name)
    if not layout.samples:
        if not layout.missing:
            raise AnnotationError([f"{tree.root}: its lists ({name}) name no video"])
        raise FileNotFoundError(
            f"{tree.root}: none of the {len(layout.missing)} files that its lists "
            f"({name}) name is there:\n{listed(layout.missing)}"
        )
    return layout
