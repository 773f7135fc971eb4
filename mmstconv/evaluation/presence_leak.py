"""How much of the class is told by which modalities a sample has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

PERMUTATIONS = 199


class PresenceLeak(NamedTuple):
    """What presence alone says of the class.

    Args:
        samples: How many were looked at.
        chance: Accuracy of the best rule that knows nothing: always the most frequent
            class.
        accuracy: Of the best rule that knows the presence pattern alone: for each
            pattern its most frequent class.
        bits: Mutual information of pattern and class, in bits; 0: independent.
        p_value: Share of random assignments of the same patterns to the samples that
            say at least as much of the class.
    """

    samples: int
    chance: float
    accuracy: float
    bits: float
    p_value: float


def presence_leak(patterns: Sequence, labels: Sequence[int]) -> PresenceLeak:
    """Compare what is present with the class.

    Of N samples, n of which are of pattern s and class c: accuracy is
    ``sum_s max_c n(s, c) / N``, chance ``max_c n(c) / N``, bits
    ``sum_sc n(s, c) / N log2(N n(s, c) / (n(s) n(c)))``. Few samples of many classes
    say something by accident; ``p_value`` is of a permutation test with fixed seed.

    Args:
        patterns: Of each sample, ``(N,)`` or ``(N, modalities)``.
        labels: Class of each sample, ``(N,)``.

    Raises:
        ValueError: There are no samples, or not as many patterns as labels.
    """
    labels = np.asarray(labels)
    patterns = np.asarray(patterns).reshape(len(labels), -1) if len(labels) else []
    if not len(labels):
        raise ValueError("presence_leak: there are no samples")
    _, pattern = np.unique(patterns, axis=0, return_inverse=True)
    _, label = np.unique(labels, return_inverse=True)
    pattern = pattern.ravel()  # numpy 2.0 gave it a second axis
    table = _table(pattern, label)
    bits = _mutual_information(table)
    generator = np.random.default_rng(0)
    by_chance = sum(
        _mutual_information(_table(generator.permutation(pattern), label))
        >= bits - 1e-12
        for _ in range(PERMUTATIONS if len(table) > 1 else 0)
    )
    return PresenceLeak(
        samples=len(labels),
        chance=float(table.sum(0).max() / len(labels)),
        accuracy=float(table.max(1).sum() / len(labels)),
        bits=bits,
        p_value=(1 + by_chance) / (1 + PERMUTATIONS) if len(table) > 1 else 1.0,
    )


def _table(pattern: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Counts ``(patterns, classes)``."""
    shape = pattern.max() + 1, label.max() + 1
    flat = np.bincount(pattern * shape[1] + label, minlength=shape[0] * shape[1])
    return flat.reshape(shape)


def _mutual_information(table: np.ndarray) -> float:
    joint = table / table.sum()
    apart = joint.sum(1, keepdims=True) * joint.sum(0, keepdims=True)
    seen = joint > 0
    return max(float((joint[seen] * np.log2(joint[seen] / apart[seen])).sum()), 0.0)
