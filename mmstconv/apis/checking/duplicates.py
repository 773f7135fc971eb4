"""Files that hold the same film: the same bytes, or pictures that look the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ...media.checking.file_check import FileCheck
from ...media.checking.picture_hash import alike_in_motion
from .near_hashes import near_pairs

LENGTHS = 0.05  # share by which durations may differ
FRAMES = 2.5  # and frames, by which other codecs round them
TOGETHER = 4096  # pairs whose motion is compared at once


class Duplicates(NamedTuple):
    """Files that hold one film.

    Args:
        paths: At least two, in the order in which they were checked.
        same_content: Whether they are the same to the byte; else they look the same.
    """

    paths: tuple[Path, ...]
    same_content: bool


def duplicates(checks: Sequence[FileCheck]) -> list[Duplicates]:
    """Groups of files that hold the same film.

    Files look the same if few bits of their picture hashes differ, their pictures
    change in the same way, and they are as long; a group holds all that look like
    another one of it. A film that is cut or mirrored is not found. A group of files of
    one content is said once.

    Args:
        checks: Of files; those that cannot be used are in no group.

    Returns:
        Groups, in the order of their first files.
    """
    checks = list({check.path: check for check in checks}.values())
    contents: dict[str, list[int]] = {}
    for place, check in enumerate(checks):
        if check.digest is not None and check.error is None:
            contents.setdefault(check.digest, []).append(place)
    groups = [(places, True) for places in contents.values() if len(places) > 1]
    for places in _alike(checks):
        if len({checks[place].digest for place in places}) > 1:
            groups.append((places, False))
    groups.sort(key=lambda group: (group[0][0], not group[1]))
    return [
        Duplicates(tuple(checks[place].path for place in places), exact)
        for places, exact in groups
    ]


def _alike(checks: Sequence[FileCheck]) -> list[list[int]]:
    """Places of files that look the same, group by group."""
    copies: dict[object, list[int]] = {}  # of one content one is compared
    for place, check in enumerate(checks):
        if check.picture_hash and check.motion:
            copies.setdefault(check.digest or place, []).append(place)
    told = list(copies.values())
    pairs = np.array(list(_pairs([checks[of[0]] for of in told])), int).reshape(-1, 2)
    links = np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])
    from scipy.sparse import coo_array  # it is looked for when all files are read
    from scipy.sparse.csgraph import connected_components

    graph = coo_array(links, shape=(len(told), len(told)))
    groups: dict[int, list[int]] = {}
    labels = connected_components(graph)[1] if told else ()
    for places, label in zip(told, labels, strict=True):
        groups.setdefault(label, []).extend(places)
    return [sorted(places) for places in groups.values() if len(places) > 1]


def _pairs(checks: Sequence[FileCheck]) -> Iterator[tuple[int, int]]:
    """Places of two that look the same, each pair once."""
    if not checks:
        return
    order = np.argsort([check.duration for check in checks], kind="stable")
    seconds = np.array([checks[i].duration for i in order])
    # how much longer another may be: a share, and what rounding to frames makes of it
    rates = np.array([checks[i].rate or np.inf for i in order])
    longest = seconds * (1 + LENGTHS) + FRAMES / rates
    last = np.searchsorted(seconds, longest, side="right")
    hashes = _rows([checks[i].picture_hash for i in order], np.uint8)
    motion = _rows([checks[i].motion for i in order], np.int8)
    for near in near_pairs(hashes, last):
        for start in range(0, len(near[0]), TOGETHER):
            one, other = (numbers[start : start + TOGETHER] for numbers in near)
            alike = alike_in_motion(motion[one], motion[other])
            yield from zip(order[one[alike]].tolist(), order[other[alike]].tolist())


def _rows(digits: Sequence[str], kind: type) -> np.ndarray:
    """Bytes as numbers, ``(N, bytes)``."""
    return np.frombuffer(bytes.fromhex("".join(digits)), kind).reshape(len(digits), -1)
