"""Which files are of one source: the same film, person or place.

Files of one source look alike. With some of them in training and some in validation, a
model is praised for knowing the source again; so they stay together.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import NamedTuple

# The last part of a stem that counts: "_c01", " (3)", "_000010", "12".
NUMBERED = re.compile(r"(?:[\s._-]+[^\W\d_]{0,6}[\s._-]?)?[(\[]?\d+[)\]]?$")
# One that says so: "-part2", "clip 7", " (2)", " copy".
PART = re.compile(
    r"[\s._-]*(?:part|pt|clip|seg|segment|scene|shot|chunk|cut|take)[\s._-]?\d+$"
    r"|\s*\(\d+\)$|[\s._-]*\(?copy\)?$",
    re.IGNORECASE,
)
LEVELS = 3  # parts of a stem that may count
FEWER = 0.95  # of the sources before, for a count to be believed: ids end in digits too
# Of a rule that is believed: sources of a class on average, and of all classes.
SOURCES_OF_A_CLASS = 3
SOURCES = 5
LARGEST = 0.5  # share of all files in one source
ALONE = 0.2  # share of the classes that have one source only


class Sources(NamedTuple):
    """What is of one source.

    Args:
        keys: The source of each file; files of one have the same.
        how: How they were told, as a part of a sentence; empty: nothing tells them.
    """

    keys: list[str]
    how: str


def find_sources(
    names: Sequence[str],
    labels: Sequence[tuple[int, ...]],
    classes: Sequence[str],
    groups: Sequence[str | None],
    pattern: re.Pattern | None = None,
) -> Sources:
    """The source of each file.

    What is known of the data set (``groups``) goes first, then a folder for each source
    below that of the class, then names that end in numbers: as many parts of them are
    left out as leave several sources to most classes, so ``v_Archery_g08_c01`` is of
    ``v_Archery_g08``, but ``archery_01`` is of nothing larger.

    Args:
        names: Of the files, below the folder, with slashes.
        labels: Of each file.
        classes: Their names.
        groups: The source where the data set is known to tell it; else None.
        pattern: Of the user's: what it finds in a name is the source (its first group,
            if it has one). Files where it finds nothing are sources of their own.
    """
    paths = [PurePath(name) for name in names]
    alone = [path.with_suffix("").as_posix() for path in paths]
    if pattern is not None:
        return Sources(_found(names, alone, pattern), f"what {pattern.pattern!r} finds")
    known = [k for k, group in enumerate(groups) if group is not None]
    if known and _is_plausible(
        [a if g is None else g for a, g in zip(alone, groups)], labels, few=True
    ):
        keys = [f"group {group}" for group in groups]
        others = [k for k, group in enumerate(groups) if group is None]
        rest = find_sources(
            [names[k] for k in others],
            [labels[k] for k in others],
            classes,
            [None] * len(others),
        )
        for k, key in zip(others, rest.keys):
            keys[k] = key
        return Sources(keys, _example("groups of the data set", names, keys))
    below = [_below_class(p, [classes[k] for k in of]) for p, of in zip(paths, labels)]
    folders = [f"{b}/" if b else a for a, b in zip(alone, below)]
    if len(set(folders)) < len(set(alone)) and _is_plausible(folders, labels):
        return Sources(folders, _example("folders", names, folders))
    best, stems = alone, [path.stem for path in paths]
    for pattern, share in [(PART, 1.0), *LEVELS * [(NUMBERED, FEWER)]]:
        shorter = [pattern.sub("", stem) or stem for stem in stems]
        keys = _keys(paths, alone, shorter)
        fewer = len(set(keys)) <= share * len(set(best)) and keys != best
        if fewer and _is_plausible(keys, labels):
            best = keys
        if pattern is NUMBERED or best is keys:
            stems = shorter
    if len(set(best)) == len(set(alone)):
        return Sources(alone, "")
    return Sources(best, _example("names", names, best))


def joined(keys: Iterable[str], together: Iterable[Sequence[int]]) -> list[int]:
    """Sources, some of which turn out to be one.

    Args:
        keys: The source of each file.
        together: Numbers of files that are of one source.

    Returns:
        The source of each file, as the number of its first file.
    """
    first: dict[str, int] = {}
    of = [first.setdefault(key, number) for number, key in enumerate(keys)]
    parent = {number: number for number in of}

    def root(number: int) -> int:
        while parent[number] != number:
            parent[number] = number = parent[parent[number]]
        return number

    for files in together:
        roots = [root(of[number]) for number in files]
        for one in roots:
            parent[root(one)] = root(min(roots))
    return [root(number) for number in of]


def _found(names: Sequence[str], alone: Sequence[str], pattern: re.Pattern) -> list:
    keys = []
    for name, key in zip(names, alone):
        match = pattern.search(name)
        text = match and (match[1] if pattern.groups else match[0])
        keys.append(f"source {text}" if text else key)
    return keys


def _keys(
    paths: Sequence[PurePath], alone: Sequence[str], stems: Sequence[str]
) -> list[str]:
    """A stem that was cut off says the source, in whichever folder.

    So does one that others were cut off to: ``talk`` beside ``talk (2)``.
    """
    cut = {stem for path, stem in zip(paths, stems) if stem != path.stem}
    return [f"*/{stem}" if stem in cut else key for key, stem in zip(alone, stems)]


def _below_class(path: PurePath, names: Sequence[str]) -> str:
    """The folders of a file down to its own, if it lies deeper than its class."""
    folders = path.parent.as_posix()
    if folders == ".":
        return ""
    of_class = any(f"/{folders}".endswith(f"/{name}") for name in names)
    return "" if of_class else folders


def _is_plausible(
    keys: Sequence[str], labels: Sequence[tuple[int, ...]], few: bool = False
) -> bool:
    """Whether a rule leaves enough sources for a split of most classes.

    Args:
        keys: The source of each file.
        labels: Of each file.
        few: Whether two sources of a class are enough.
    """
    of_class: Mapping[int, set[str]] = defaultdict(set)
    for key, of in zip(keys, labels):
        for label in of:
            of_class[label].add(key)
    sizes = Counter(keys)
    counts = [len(found) for found in of_class.values()]
    if not counts or len(sizes) < (2 if few else SOURCES):
        return False
    return (
        sum(counts) >= (2 if few else SOURCES_OF_A_CLASS) * len(counts)
        and counts.count(1) <= ALONE * len(counts)
        and max(sizes.values()) <= LARGEST * len(keys)
    )


def _example(what: str, names: Sequence[str], keys: Sequence[str]) -> str:
    """``'names (x/a_1.mp4 and x/a_2.mp4 are of one)'``."""
    seen: dict[str, str] = {}
    for name, key in zip(names, keys):
        if key in seen:
            return f"{what} ({seen[key]} and {name} are of one)"
        seen[key] = name
    return what
