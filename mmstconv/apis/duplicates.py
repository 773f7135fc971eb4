"""Files that hold the same film: the same bytes, or pictures that look the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from ..media.checking.file_check import FileCheck

# Bits of a picture hash (320) that may differ. Hashes so close share one of the BANDS
# to the bit, so that only files that share one are compared.
DIFFERENT = 19
BANDS = 20
LENGTHS = 0.05  # share by which durations may differ; a frame or two of short files
FRAMES = 2.5


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

    Files look the same if few bits of their picture hashes differ and they are as long;
    a group holds all that look like another one of it. A film that is cut or mirrored
    is not found. A group of files of one content is said once.

    Args:
        checks: Of files; those without hashes are in no group.

    Returns:
        Groups, in the order of their first files.
    """
    checks = list({check.path: check for check in checks}.values())
    contents: dict[str, list[int]] = {}
    for place, check in enumerate(checks):
        if check.digest is not None:
            contents.setdefault(check.digest, []).append(place)
    same = [places for places in contents.values() if len(places) > 1]
    groups = [(places, True) for places in same]
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
    hashed = [i for i, check in enumerate(checks) if check.picture_hash]
    pairs = np.array(list(_pairs([checks[i] for i in hashed])), int).reshape(-1, 2)
    links = np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])
    graph = coo_array(links, shape=(len(hashed), len(hashed)))
    groups: dict[int, list[int]] = {}
    for place, label in zip(hashed, connected_components(graph)[1], strict=True):
        groups.setdefault(label, []).append(place)
    return [places for places in groups.values() if len(places) > 1]


def _pairs(checks: Sequence[FileCheck]) -> Iterator[tuple[int, int]]:
    """Pairs of files that look the same; some come several times."""
    if not checks:
        return
    digits = b"".join(bytes.fromhex(check.picture_hash) for check in checks)
    codes = np.frombuffer(digits, np.uint8).reshape(len(checks), -1)
    bands = codes.reshape(len(checks), BANDS, -1)
    seconds = np.array([check.duration for check in checks])
    # two lengths may differ by a share, and by what rounding to frames makes of them
    slack = FRAMES / np.array([check.rate or np.inf for check in checks])
    for band in range(BANDS):
        for bucket in _buckets(bands[:, band]):
            for place, one in enumerate(bucket[:-1]):
                others = bucket[place + 1 :]
                differ = np.unpackbits(codes[others] ^ codes[one], axis=1).sum(1)
                longer = np.maximum(seconds[others], seconds[one])
                apart = np.abs(seconds[others] - seconds[one])
                fits = apart <= LENGTHS * longer + slack[one]
                for other in others[(differ <= DIFFERENT) & fits]:
                    yield one, int(other)


def _buckets(keys: np.ndarray) -> list[np.ndarray]:
    """Places of equal rows ``(N, bytes)``, where there are several."""
    _, groups, counts = np.unique(keys, axis=0, return_inverse=True, return_counts=True)
    order = np.argsort(groups.ravel(), kind="stable")
    parts = np.split(order, np.cumsum(counts)[:-1])
    return [part for part in parts if len(part) > 1]
