"""Pairs of picture hashes that differ in few bits, without comparing all with all.

Two hashes of five frames that differ in at most 24 bits differ in at most 4 bits of one
frame, and so agree in at least two of six parts of its bits. Only hashes that agree in
two parts of a frame are compared (multi-index hashing, Norouzi et al. 2012). Where
these are too many, as among films of one fixed camera, all are compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from ...media.checking.picture_hash import HASH_BITS, SHARES

FRAME = 64  # bits of a frame
AGREEING = 2  # parts of a frame's bits
PARTS = HASH_BITS // len(SHARES) + AGREEING
TOGETHER = 256  # hashes that are compared with all others at once
PORTION = 1 << 16  # pairs that are compared at once, one by one
DEARER = 12  # how much longer a pair takes one by one
ONES = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).sum(1)


def near_pairs(
    hashes: np.ndarray, last: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pairs of which at most :data:`HASH_BITS` bits differ, in portions, each once.

    Args:
        hashes: Of films, uint8 ``(N, bytes)``.
        last: Each is compared with those behind it up to this one, which is left out;
            ``(N,)``.

    Yields:
        Numbers of the films, the lower ones first.
    """
    affordable = _others(last).sum() / DEARER
    found = np.zeros(0, np.int64)
    for order, ends in _agreeing(hashes, last):
        others = _others(ends)
        affordable -= others.sum()
        if affordable < 0:
            yield from _of_all(hashes, last)
            return
        known = [found]
        for first, second in _expanded(others):
            one, other = order[first], order[second]
            near = ONES[hashes[one] ^ hashes[other]].sum(1) <= HASH_BITS
            known.append(one[near] * len(last) + other[near])
        found = np.unique(np.concatenate(known))
    yield np.divmod(found, max(len(last), 1))


def _agreeing(
    hashes: np.ndarray, last: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """For each two parts of each frame, an order with those that agree together.

    Yields:
        The order, and for each place in it the end of those behind it to compare with.
    """
    parts = [sum(1 << bit for bit in range(n, FRAME, PARTS)) for n in range(PARTS)]
    for bits in hashes.view(np.uint64).T:
        for masks in combinations(parts, AGREEING):
            key = bits & np.uint64(sum(masks))
            order = np.argsort(key, kind="stable")
            run = np.cumsum(np.diff(key[order], prepend=key[order[:1]]) != 0)
            run *= len(hashes)
            yield order, np.searchsorted(run + order, run + last[order])


def _others(ends: np.ndarray) -> np.ndarray:
    return ends - np.arange(len(ends)) - 1


def _expanded(others: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Each place with each of so many behind it, in portions."""
    before = np.cumsum(others) - others
    for start in range(0, others.sum(), PORTION):
        pair = np.arange(start, min(start + PORTION, before[-1] + others[-1]))
        first = np.searchsorted(before + others, pair, side="right")
        yield first, first + 1 + pair - before[first]


def _of_all(
    hashes: np.ndarray, last: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """All are compared with all, by products of vectors of 1 and -1."""
    signs = np.unpackbits(hashes, axis=1) * np.float32(2) - 1
    for start in range(0, len(signs), TOGETHER):
        some = signs[start : start + TOGETHER]
        numbers = np.arange(start, start + len(some))
        # as many as are equal, less as many as differ
        differ = (some.shape[1] - some @ signs[start : last[numbers].max()].T) / 2
        one, other = np.nonzero(differ <= HASH_BITS)
        one, other = one + start, other + start
        behind = (one < other) & (other < last[one])
        yield one[behind], other[behind]
