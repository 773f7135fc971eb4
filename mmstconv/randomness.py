"""Randomness as a function of the place in a run, not of what happened before.

What a sample's augmentation draws depends on the run's seed, the epoch and the sample's
place in it; what dropout draws, on the seed, the process and the iteration. So a run
that is resumed goes on as if it had never stopped, with any number of loader processes,
and no generator's state has to be saved.
"""

from __future__ import annotations

import random

import numpy as np
import torch


def seed_generators(*place: int) -> None:
    """Seed the generators of Python, numpy and torch (every device) for one place.

    Args:
        place: Non-negative integers; different tuples give independent streams
            (``numpy.random.SeedSequence``).
    """
    first, second, third = np.random.SeedSequence(place).generate_state(3).tolist()
    random.seed(first)
    np.random.seed(second)
    torch.manual_seed(third)


class SeededIndex(int):
    """The index of a sample that carries the place its randomness is of.

    Wrappers of data sets compute with indices: what MMEngine's ``ConcatDataset`` and
    ``RepeatDataset`` do (minus, modulo) keeps the place.

    Args:
        index: Of the sample.
        place: For :func:`seed_generators`.
    """

    place: tuple[int, ...]

    def __new__(cls, index: int, place: tuple[int, ...]) -> SeededIndex:
        self = super().__new__(cls, index)
        self.place = place
        return self

    def __reduce__(self):
        return SeededIndex, (int(self), self.place)

    def __sub__(self, other: int) -> SeededIndex:
        return SeededIndex(int(self) - other, self.place)

    def __mod__(self, other: int) -> SeededIndex:
        return SeededIndex(int(self) % other, self.place)
