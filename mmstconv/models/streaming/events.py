"""Events of a film that comes piece by piece, as those of the whole film."""

from __future__ import annotations

from typing import NamedTuple

import torch
from mmengine.structures import InstanceData
from torch import Tensor, nn

from .clusters import Clusters

#: Steps of candidates that wait for each other, beside what one of them spans.
LONGEST = 2048


class OnlineEvents:
    """A head for events or instants that is fed the steps of one film as they come.

    It keeps the steps that later predictions see (``head.reach``), and the candidates
    that later ones may suppress. A point speaks once all that it sees is there: at
    once with ``causal=True``, otherwise ``head.reach[1]`` steps later. What it says is
    what it says of the whole film.

    Candidates of a class that overlap, one after another, are settled together, by the
    head's soft-NMS, when no later one can overlap them; events then are those of the
    whole film. With ``patience`` they are told sooner: so long after their end.

    Memory does not grow: where candidates of a class overlap without a gap for more
    than ``LONGEST`` steps, as with a ``min_score`` near 0, those that have ended are
    settled without the rest. An event at such a cut may be told twice.

    Args:
        head: ``TemporalEventHead`` or ``TemporalSpottingHead``; is put into evaluation
            mode.
        step: Seconds a step.
        start: Of the first step, in seconds.
        min_score: What scores less is no candidate.
        patience: Seconds after the end of the last of its candidates when an event is
            told. None: when none can come that overlaps them.

    Example:
        >>> events = OnlineEvents(head, step=1 / 8)
        >>> for fused in pieces:  # (1, t, D)
        ...     told = events.push(fused)  # InstanceData
        >>> told = events.finish()

    Attributes:
        ongoing: Of a causal head: probabilities of the classes at the steps that the
            last call brought, ``(t, num_classes)``; else None.
    """

    def __init__(
        self,
        head: nn.Module,
        *,
        step: float,
        start: float = 0.0,
        min_score: float = 0.1,
        patience: float | None = None,
    ) -> None:
        self.head = head.eval()
        self.step = step
        self.start = start
        self.min_score = min_score
        self.patience = patience
        self.reset()

    def reset(self) -> None:
        """Forget the film; the next step is its first."""
        self.kept: Tensor | None = None  # (1, t, D)
        self.first = 0  # number of the first step that is kept, a multiple of stride
        self.told = 0  # the points that end with a step below this one have spoken
        self.ongoing: Tensor | None = None
        self.clusters = Clusters()

    @torch.no_grad()
    def push(self, steps: Tensor) -> InstanceData:
        """The next steps, ``(1, t, D)``; gives the events that are known by now.

        Raises:
            ValueError: The steps have another shape.
        """
        if steps.dim() != 3 or steps.shape[0] != 1:
            raise ValueError(
                f"expected steps of one film, (1, t, D), got {tuple(steps.shape)}"
            )
        kept = steps if self.kept is None else torch.cat([self.kept, steps], 1)
        self.kept = kept
        before, behind = self.head.reach
        complete = max(self.first + kept.shape[1] - behind, 0)
        self._speak(complete)
        # Its next points lie in what a step of the coarsest level covers, not earlier.
        stride = self.head.stride
        needed = max(self.told - stride - before, self.first) // stride * stride
        # a copy, as a view would keep all of it in memory
        self.kept = kept[:, needed - self.first :].clone()
        self.first = needed
        return self._settle(self._safe())

    @torch.no_grad()
    def finish(self) -> InstanceData:
        """The film has ended: all that is left."""
        if self.kept is not None:
            self._speak(None)
        left = self._settle(float("inf"))
        self.reset()
        return left

    def _speak(self, complete: int | None) -> None:
        """Let the points speak that end by a step; None: all."""
        raw: NamedTuple = self.head.read(self.kept)
        steps = self.kept.shape[1]
        points = self.head.points(steps, self.kept.device)
        ends = self.first + (points.time / points.stride).ceil() * points.stride
        fresh = ends > self.told
        if complete is not None:
            fresh &= ends <= complete
        raw = raw._replace(
            logits=raw.logits.masked_fill(~fresh[None, :, None], float("-inf"))
        )
        clock = self.head.clock(self.start + self.first * self.step, self.step, steps)
        found = self.head.candidates(raw, 0, clock)
        found = found[found.scores >= self.min_score]
        self.clusters.add(found, self.head.spans(found))
        if getattr(raw, "ongoing", None) is not None:
            fresh = slice(self.told - self.first, steps)
            self.ongoing = raw.ongoing[0, fresh].sigmoid()
        self.told = self.first + steps if complete is None else complete

    def _safe(self) -> float:
        """What ends before this time is told, in seconds."""
        if self.patience is not None:
            return self.start + self.told * self.step - self.patience
        farthest = self.head.farthest + self.head.stride
        margin = getattr(self.head, "window", 0.0)
        return self.start + (self.told - farthest) * self.step - margin

    def _settle(self, before: float) -> InstanceData:
        longest = (LONGEST + 2 * self.head.farthest) * self.step
        closed = self.clusters.close(before, before - longest)
        if closed is None:
            return InstanceData()
        told = self.head.settle([closed], None)
        return told[told.scores >= self.min_score]
