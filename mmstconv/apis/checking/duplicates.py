"""Files that hold the same film: the same bytes, or pictures that look the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ...media.checking.file_check import FileCheck
from ...media.checking.picture_hash import HASH_BITS, alike_in_motion

LENGTHS = 0.05  # share by which durations may differ
FRAMES = 2.5  # and frames, by which other codecs round them
TOGETHER = 256  # files that are compared with all others at once


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
        checks: Of files; those that could not be read are in no group.

    Returns:
        Groups, in the order of their first files.
    """
    checks = list({check.path: check for check in checks}.values())
    contents: dict[str, list[int]] = {}
    for place, check in enumerate(checks):
        if check.digest is not None:
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
    told = [i for i, one in enumerate(checks) if one.picture_hash and one.motion]
    pairs = np.array(list(_pairs([checks[i] for i in told])), int).reshape(-1, 2)
    links = np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])
    from scipy.sparse import coo_array  # it is looked for when all files are read
    from scipy.sparse.csgraph import connected_components

    graph = coo_array(links, shape=(len(told), len(told)))
    groups: dict[int, list[int]] = {}
    labels = connected_components(graph)[1] if told else ()
    for place, label in zip(told, labels, strict=True):
        groups.setdefault(label, []).append(place)
    return [places for places in groups.values() if len(places) > 1]


def _pairs(checks: Sequence[FileCheck]) -> Iterator[tuple[int, int]]:
    """Places of two that look the same, each pair once.

    All are compared with all that are as long, by matrix products.
    """
    if not checks:
        return
    order = np.argsort([check.duration for check in checks], kind="stable")
    seconds = np.array([checks[i].duration for i in order])
    # how much longer another may be: a share, and what rounding to frames makes of it
    rates = np.array([checks[i].rate or np.inf for i in order])
    longest = seconds * (1 + LENGTHS) + FRAMES / rates
    last = np.searchsorted(seconds, longest, side="right")
    bits = np.stack([_bits(checks[i].picture_hash) for i in order])
    motion = np.stack([_change(checks[i].motion) for i in order])
    for start in range(0, len(order), TOGETHER):
        some = range(start, min(start + TOGETHER, len(order)))
        near = slice(start, last[some].max())
        # of vectors of 1 and -1: as many as are equal, less as many as differ
        differ = (bits.shape[1] - bits[some] @ bits[near].T) / 2
        for one in some:
            others = start + np.flatnonzero(differ[one - start] <= HASH_BITS)
            others = others[(others > one) & (others < last[one])]
            others = others[alike_in_motion(motion[one], motion[others])]
            for other in others:
                yield int(order[one]), int(order[other])


def _bits(digits: str) -> np.ndarray:
    """1 and -1, ``(320,)``."""
    return (
        np.unpackbits(np.frombuffer(bytes.fromhex(digits), np.uint8)) * np.float32(2)
        - 1
    )


def _change(digits: str) -> np.ndarray:
    """Gray levels, ``(frames * 64,)``."""
    return np.frombuffer(bytes.fromhex(digits), np.int8).astype(np.float32)
