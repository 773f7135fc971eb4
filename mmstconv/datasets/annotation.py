"""Annotation files: ``path label`` a line, read strictly."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Sequence
from typing import NamedTuple

from mmengine.fileio import get
from mmengine.logging import print_log

from ..disk import FETCH_ADVICE, REMOTE_ADVICE, is_remote, public_name

SHOWN_LINES = 20
SHOWN_LETTERS = 200
SHOWN_FILMS = 5
SUFFIX = re.compile(r"\.[A-Za-z][A-Za-z0-9]{1,4}$")
LINE_END = re.compile(r"\r\n|\n|\r")  # nothing else: a name may hold U+2028
INTEGER = re.compile(r"[+-]?[0-9]{1,18}")


class AnnotationError(ValueError):
    """An annotation file with lines that cannot be used; lists them all.

    Args:
        problems: ``file:line: reason`` each.
    """

    what = "malformed annotation"

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__(f"{self.what}\n" + listed(problems))

    def __reduce__(self):
        return type(self), (self.problems,)


class Row(NamedTuple):
    """A line that is not blank.

    Args:
        number: Of the line, from 1.
        name: Path of the media file as written.
        labels: Texts of the labels.
    """

    number: int
    name: str
    labels: list[str]


def read_rows(path: str, delimiter: str = " ", multi_class: bool = False) -> list[Row]:
    """The rows of an annotation file.

    A byte order mark, Windows line ends, blank lines, tabs and spaces around the parts
    are tolerated; a path may contain the delimiter.

    Args:
        path: Of the annotation file.
        delimiter: Between path and labels; a space stands for any white space.
        multi_class: Whether a line may have several labels.

    Raises:
        FileNotFoundError: If there is no such file.
        AnnotationError: If it is no UTF-8 text, or names no video.
        ValueError: If it is in an object store that cannot be read.
    """
    text = read_text(path)
    separator = None if delimiter == " " else delimiter
    rows = []
    for number, line in enumerate(LINE_END.split(text), 1):
        parts = line.split() if separator is None else ()
        if len(parts) == 2 and parts[1].isdigit():  # the usual line, without a search
            rows.append(Row(number, parts[0], parts[1:]))
        elif line := line.strip():
            rows.append(Row(number, *_split(line, separator, multi_class)))
    if not rows:
        raise AnnotationError([f"{path}: names no video"])
    return rows


def read_text(path: str) -> str:
    """The text of an annotation file, without a byte order mark.

    Raises:
        FileNotFoundError: If there is no such file.
        AnnotationError: If it is no UTF-8 text.
        ValueError: If it is in an object store that cannot be read.
    """
    if not path:
        raise FileNotFoundError("ann_file is empty; give an annotation file")
    try:
        return get(path).decode("utf-8-sig")
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        raise FileNotFoundError(f"annotation file not found: {path}") from None
    except ImportError as error:  # MMEngine's client of an object store
        raise ValueError(f"{path} {REMOTE_ADVICE} ({error})") from None
    except UnicodeDecodeError as error:
        raise AnnotationError([f"{path}: is not UTF-8 text ({error})"]) from None


def row_problems(
    rows: Sequence[Row],
    num_classes: int | None,
    root: str | None = None,
    multi_class: bool = False,
    fetched: bool = False,
) -> dict[int, list[str]]:
    """What is wrong with rows. The disk is not looked at.

    Labels may be missing if they are missing everywhere, or if there may be several.

    Args:
        rows: Of one file.
        num_classes: Labels must be below; None: any.
        root: Folder below which all paths must lie; None: anywhere.
        multi_class: Whether a line may have several labels, or none.
        fetched: Whether files may be elsewhere.

    Returns:
        ``{line number: reasons}`` of the lines with a mistake.
    """
    unlabelled = multi_class or not any(row.labels for row in rows)
    repeated = len({row.name for row in rows}) < len(rows)
    first: dict[str, Row] = {}
    fine: set[str] = set()  # labels that were found to be correct
    problems: dict[int, list[str]] = {}
    for row in rows:
        reasons = [] if is_plain(row.name) else path_problems(row.name, root, fetched)
        labels = row.labels
        if (labels or not unlabelled) and not (len(labels) == 1 and labels[0] in fine):
            wrong = _label_problems(labels, num_classes)
            reasons += wrong
            if not wrong:
                fine.update(labels)
        other = first.setdefault(row.name, row) if repeated else row
        if other.labels != labels:
            name, line = shown(row.name), other.number
            reasons.append(f"{name} has another label in line {line}")
        if reasons:
            problems[row.number] = reasons
    return problems


def is_plain(name: str) -> bool:
    """Whether a path is relative, has no ``..`` and no letter that needs care."""
    return name[0] not in "/\\" and not (".." in name or ":" in name or "\0" in name)


def listed(lines: Sequence[str]) -> str:
    """The first lines as one text, and how many more there are."""
    rest = len(lines) - SHOWN_LINES
    more = [f"... and {rest} more"] if rest > 0 else []
    return "\n".join([*lines[:SHOWN_LINES], *more])


def say_left_out(
    path: str, lost: Sequence[str], kept: bool, problems: list[str], what: str
) -> None:
    """Warns of films that are left out; that none is left is a problem.

    Args:
        path: Of the annotation file.
        lost: ``file:line`` or ``file: key`` of each film that is left out.
        kept: Whether a film is left.
        problems: Found so far; is added to.
        what: The films lack, in the singular.
    """
    if lost and (kept or problems):
        print_log(
            f"{len(lost)} films are left out, no {what} of them can be used: "
            + ", ".join(lost[:SHOWN_FILMS])
            + (", ..." if lost[SHOWN_FILMS:] else ""),
            logger="current",
            level=logging.WARNING,
        )
    elif lost:
        problems.append(f"{path}: no {what} can be used, {lost[0]} is the first film")
    elif not kept and not problems:
        problems.append(f"{path}: names no video")


def clipped(text: str) -> str:
    """The text, its middle left out if it is long."""
    if len(text) <= SHOWN_LETTERS:
        return text
    half = SHOWN_LETTERS // 2
    return f"{text[:half]} ... {text[-half:]}"


def shown(text: str) -> str:
    """The text in quotes, as Python writes it, its middle left out if it is long."""
    return repr(clipped(text))


def _split(line: str, separator: str | None, multi_class: bool):
    """A line's path and label texts; the path may contain the separator."""
    name, labels = line, []
    while True:
        parts = name.rsplit(separator, 1)
        if len(parts) < 2 or SUFFIX.search(parts[1]):
            return name, labels
        if labels and not (multi_class and INTEGER.fullmatch(parts[1])):
            return name, labels
        name, labels = parts[0].strip(), [parts[1].strip(), *labels]
        if not multi_class:
            return name, labels


def path_problems(name: str, root: str | None, fetched: bool = False) -> list[str]:
    """What is wrong with the path of a media file.

    Args:
        name: As written.
        root: Folder below which it must lie; None: anywhere.
        fetched: Whether it may be elsewhere: the pipeline has a ``FetchMedia``.
    """
    if "\0" in name:
        return ["contains a NUL byte: is the file UTF-8 text?"]
    if is_remote(name):
        if not fetched:
            return [f"{shown(public_name(name))} {FETCH_ADVICE}"]
        if root is None:
            return []
    elif root is None or not _leaves(name, root):
        return []
    return [
        f"{shown(public_name(name))} lies outside of {public_name(root)}; "
        "allow_outside=True of the data set accepts that"
    ]


def _leaves(name: str, root: str) -> bool:
    """Whether a path leads out of a folder. Links are not followed."""
    if not os.path.isabs(name) and ".." not in name.split(os.sep):
        return False
    path = os.path.relpath(os.path.join(root, name), root)
    return path.split(os.sep)[0] == ".."


def _label_problems(labels: Sequence[str], num_classes: int | None) -> list[str]:
    if not labels:
        return ["has no label, but other lines have one"]
    problems = []
    for label in labels:
        if not INTEGER.fullmatch(label):
            problems.append(f"label {shown(label)} is not an integer")
        elif int(label) < 0:
            problems.append(f"label {label} is negative")
        elif num_classes is not None and int(label) >= num_classes:
            problems.append(
                f"label {label} is outside the {num_classes} classes "
                f"(0 to {num_classes - 1})"
            )
    return problems
