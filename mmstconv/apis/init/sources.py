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

# The last part of a stem that counts: "_c01", "-part2", " (3)", "_000010", "12".
NUMBERED = re.compile(
    r"(?:[\s._-]+[^\W\d_]{0,6}[\s._-]?)?[(\[]?\d+[)\]]?$|[\s._-]*[(\[]?copy[)\]]?$",
    re.IGNORECASE,
)
LEVELS = 3  # parts of a stem that may count
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
    if any(group is not None for group in groups):
        keys = [a if g is None else f"group {g}" for a, g in zip(alone, groups)]
        return Sources(keys, _example("groups of the data set", names, keys))
    below = [_below_class(p, [classes[k] for k in of]) for p, of in zip(paths, labels)]
    folders = [f"{b}/" if b else a for a, b in zip(alone, below)]
    if len(set(folders)) < len(set(alone)) and _is_plausible(folders, labels):
        return Sources(folders, _example("folders", names, folders))
    best, stems = alone, [path.stem for path in paths]
    for _ in range(LEVELS):
        stems = [NUMBERED.sub("", stem) or stem for stem in stems]
        keys = [_key(a, stem) for a, stem in zip(alone, stems)]
        if len(set(keys)) < len(set(best)) and _is_plausible(keys, labels):
            best = keys
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


def _key(alone: str, stem: str) -> str:
    """A stem that was cut off says the source in whichever folder; others do not."""
    return alone if alone.rpartition("/")[2] == stem else f"*/{stem}"


def _below_class(path: PurePath, names: Sequence[str]) -> str:
    """The folders of a file down to its own, if it lies deeper than its class."""
    folders = path.parent.as_posix()
    if folders == ".":
        return ""
    of_class = any(f"/{folders}".endswith(f"/{name}") for name in names)
    return "" if of_class else folders


def _is_plausible(keys: Sequence[str], labels: Sequence[tuple[int, ...]]) -> bool:
    """Whether a rule leaves enough sources for a split of most classes."""
    of_class: Mapping[int, set[str]] = defaultdict(set)
    for key, of in zip(keys, labels):
        for label in of:
            of_class[label].add(key)
    sizes = Counter(keys)
    counts = [len(found) for found in of_class.values()]
    if not counts or len(sizes) < SOURCES:
        return False
    return (
        sum(counts) >= SOURCES_OF_A_CLASS * len(counts)
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
