"""Candidates that wait until no further one can overlap them."""

from __future__ import annotations

import math

import torch
from mmengine.structures import InstanceData
from torch import Tensor


class Clusters:
    """Candidates with the time that each spans; those of a class overlap or do not.

    Overlaps within a class join candidates, one after another, to clusters. What
    suppresses its like does so within a cluster.
    """

    def __init__(self) -> None:
        self.waiting: InstanceData | None = None
        self.spans: Tensor | None = None  # (K, 2)

    def add(self, candidates: InstanceData, spans: Tensor) -> None:
        """Further candidates and their begin and end in seconds, ``(K, 2)``."""
        if self.waiting is not None:
            candidates = InstanceData.cat([self.waiting, candidates])
            spans = torch.cat([self.spans, spans])
        self.waiting, self.spans = candidates, spans

    def close(self, before: float, cut: float = -math.inf) -> InstanceData | None:
        """Take out the candidates of clusters that end before a time.

        Args:
            before: In seconds.
            cut: Of clusters that begin before this time, in seconds, those candidates
                are taken out that end before the other.
        """
        if self.waiting is None:
            return None
        begins, ends = self._extents()
        done = (ends < before) | ((begins < cut) & (self.spans[:, 1] < before))  # (K,)
        closed = self.waiting[done]
        self.waiting, self.spans = self.waiting[~done], self.spans[~done]
        return closed

    def _extents(self) -> tuple[Tensor, Tensor]:
        """When the cluster of each candidate begins and ends, ``(K,)`` each."""
        begins, ends = torch.zeros_like(self.spans).unbind(1)
        for label in self.waiting.labels.unique():
            rows = (self.waiting.labels == label).nonzero()[:, 0]
            rows = rows[self.spans[rows, 0].argsort()]
            begin, latest = self.spans[rows, 0], self.spans[rows, 1].cummax(0).values
            fresh = torch.ones_like(begin, dtype=torch.bool)
            fresh[1:] = begin[1:] > latest[:-1]
            number = fresh.cumsum(0) - 1  # of its cluster
            last = torch.ones_like(fresh)
            last[:-1] = fresh[1:]
            begins[rows], ends[rows] = begin[fresh][number], latest[last][number]
        return begins, ends
