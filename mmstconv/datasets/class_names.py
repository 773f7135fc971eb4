"""Names of the classes, read strictly from a file with one name a line."""

from __future__ import annotations

import os
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence

from mmengine.fileio import get

from .annotation import LINE_END, AnnotationError, shown

BESIDE = "classes.txt"
JOINTS = re.compile(r"[\s_-]+")  # between the words of a name


class ClassNamesError(AnnotationError):
    """Class names that cannot be used."""

    what = "malformed class names"


def find_class_names(
    named: str | os.PathLike | Sequence | None, ann_file: str, num_classes: int | None
) -> list[str] | None:
    """The names of a data set's classes, in the order of the labels.

    Args:
        named: ``metainfo['classes']``: a file or the names. None: the file
            ``classes.txt`` in the folder of the annotation, if there is one.
        ann_file: The annotation file.
        num_classes: How many there must be; None: any.

    Returns:
        None if there are none.

    Raises:
        ClassNamesError: There is no such file, they are too many or too few, or one is
            blank or there twice; lists what is wrong.
    """
    if named is None:
        beside = os.path.join(os.path.dirname(ann_file or ""), BESIDE)
        if not ann_file or not os.path.isfile(beside):
            return None
        named = beside
    if isinstance(named, (str, os.PathLike)):
        where, names = os.fspath(named), read_class_names(os.fspath(named))
    else:
        where, names = "metainfo['classes']", [str(name).strip() for name in named]
        problems = [f"{where}: name {k} is blank" for k, n in enumerate(names) if not n]
        problems += [
            f"{where}: {shown(name)} is there {count} times"
            for name, count in Counter(names).items()
            if name and count > 1
        ]
        if problems:
            raise ClassNamesError(problems)
    if num_classes is not None and len(names) != num_classes:
        raise ClassNamesError(
            [
                f"{where}: {len(names)} class names, but num_classes of the data set "
                f"({ann_file}) is {num_classes}: make them agree, or name another file "
                "in metainfo=dict(classes=...)"
            ]
        )
    return names


def read_class_names(path: str) -> list[str]:
    """The names in a file, one a line in the order of the labels.

    A byte order mark, Windows line ends and blank lines at the end are tolerated. A
    number that counts the lines, as UCF101's ``classInd.txt`` has it, is no part of a
    name.

    Raises:
        ClassNamesError: There is no such file, it is no UTF-8 text, or has no, blank
            or repeated lines.
    """
    try:
        text = get(path).decode("utf-8-sig")
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        raise ClassNamesError(
            [f"metainfo.classes of the data set: no file {path!r}"]
        ) from None
    except UnicodeDecodeError as error:
        raise ClassNamesError([f"{path}: is not UTF-8 text ({error})"]) from None
    lines = [line.strip() for line in LINE_END.split(text)]
    while lines and not lines[-1]:
        lines.pop()
    if not lines:
        raise ClassNamesError([f"{path}: names no class"])
    names = _without_numbers(lines)
    first: dict[str, int] = {}
    problems = []
    for number, name in enumerate(names, 1):
        if not name:
            problems.append(f"{path}:{number}: is blank: is a name missing?")
        elif "\0" in name:
            problems.append(f"{path}:{number}: contains a NUL byte: is it UTF-8 text?")
        elif first.setdefault(name, number) != number:
            problems.append(
                f"{path}:{number}: {shown(name)} is in line {first[name]} already"
            )
    if problems:
        raise ClassNamesError(problems)
    return names


def _without_numbers(lines: list[str]) -> list[str]:
    """``['1 Run', '2 Swim']`` to ``['Run', 'Swim']``; others as they are."""
    parts = [line.split(maxsplit=1) for line in lines]
    if any(len(part) != 2 for part in parts):
        return lines
    for start in (0, 1):
        if all(part[0] == str(start + k) for k, part in enumerate(parts)):
            return [part[1] for part in parts]
    return lines


def spelled_alike(classes: Sequence[str]) -> list[list[str]]:
    """Classes that may be one, written in several ways: letters, spaces, ``_``, ``-``.

    Returns:
        The names of each such class.
    """
    spelled = defaultdict(list)
    for name in classes:
        letters = unicodedata.normalize("NFKC", name).casefold()
        spelled[JOINTS.sub("", letters) or letters].append(name)
    return [names for names in spelled.values() if len(names) > 1]
