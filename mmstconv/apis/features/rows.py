"""Rows of features with their times, and rows at another rate."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import numpy as np
import torch

from ...datasets.film_steps import FilmSteps
from ...models.layers import align_edges

BATCH = 256  # rows that are written at a time


class FeatureRows(NamedTuple):
    """Rows of a file that follow each other, the same times in all modalities.

    Args:
        feats: ``{modality: float32 (R, D_m)}``; zeros where the file lacks it.
        seconds: Begin and end of each row in the file, float64 ``(R, 2)``.
        presence: Whether the file has each modality.
    """

    feats: Mapping[str, np.ndarray]
    seconds: np.ndarray
    presence: Mapping[str, bool]

    @property
    def count(self) -> int:
        """R."""
        return len(self.seconds)


class Resampler:
    """Rows at a rate of one's own, from steps that come piece by piece.

    Row k covers the file from ``start + k / rate`` to ``start + (k + 1) / rate`` and is
    the mean of the steps that it overlaps, by how much it overlaps them. Before the
    first step and behind the last one these two go on. Memory does not grow.

    Args:
        rate: Rows per second.
        start: Of the file, in seconds.
        end: Of the file.
    """

    def __init__(self, rate: float, start: float, end: float) -> None:
        self.rate = rate
        self.start = start
        self.count = max(math.ceil((end - start) * rate - 1e-6), 1)
        self.done = 0  # rows
        self.held: FilmSteps | None = None  # steps that rows to come overlap

    def push(self, piece: FilmSteps) -> FeatureRows:
        """The rows that end within the steps so far; there may be none."""
        held = self.held
        if held is not None:
            joined = {
                name: np.concatenate([x, piece.feats[name]])
                for name, x in held.feats.items()
            }
            held = held._replace(feats=joined)
        self.held = piece if held is None else held
        known = self.held.start + self.held.count * self.held.step - self.start
        return self._rows(min(math.floor(known * self.rate + 1e-6), self.count))

    def close(self) -> FeatureRows:
        """The rows that are left."""
        return self._rows(self.count)

    def _rows(self, stop: int) -> FeatureRows:
        held, first = self.held, self.done
        stop = max(stop, first)
        edges = self.start + np.arange(first, stop + 1) / self.rate
        seconds = np.stack([edges[:-1], edges[1:]], axis=1)
        own = torch.from_numpy(held.start + held.step * np.arange(held.count + 1))
        wanted = torch.from_numpy(edges)
        feats = {
            name: align_edges(torch.from_numpy(x)[None], own, wanted)[0].numpy()
            for name, x in held.feats.items()
        }
        self.done = stop
        over = math.floor((edges[-1] - held.start) / held.step - 1e-6)
        over = min(max(over, 0), held.count - 1)
        rest = held.part(over, held.count)
        copies = {name: x.copy() for name, x in rest.feats.items()}
        self.held = rest._replace(feats=copies)
        return FeatureRows(feats, seconds, held.presence)


def mean_row(pieces: Iterable[FilmSteps], start: float) -> FeatureRows:
    """One row for all of a file: the mean of its steps.

    Args:
        pieces: That follow each other, at least one.
        start: Of the file, in seconds.
    """
    sums: dict[str, np.ndarray] = {}
    count, presence, end = 0, {}, start
    for piece in pieces:
        for name, x in piece.feats.items():
            sums[name] = sums.get(name, 0.0) + x.sum(0, dtype=np.float64)
        count, end = count + piece.count, piece.end
        presence = {n: presence.get(n, False) or h for n, h in piece.presence.items()}
    feats = {name: (x / count).astype(np.float32)[None] for name, x in sums.items()}
    return FeatureRows(feats, np.array([[start, end]], np.float64), presence)


def in_batches(rows: Iterable[FeatureRows], size: int = BATCH) -> Iterator[FeatureRows]:
    """The same rows, joined until there are ``size`` of them."""
    held: list[FeatureRows] = []
    for piece in rows:
        held.append(piece)
        if sum(one.count for one in held) >= size:
            yield join_rows(held)
            held = []
    if held:
        yield join_rows(held)


def join_rows(pieces: Iterable[FeatureRows]) -> FeatureRows:
    """Pieces of one file that follow each other, at least one, as one."""
    pieces = list(pieces)
    return FeatureRows(
        {
            name: np.concatenate([piece.feats[name] for piece in pieces])
            for name in pieces[0].feats
        },
        np.concatenate([piece.seconds for piece in pieces]),
        {
            name: any(piece.presence[name] for piece in pieces)
            for name in pieces[0].presence
        },
    )
