"""What heads share that predict at points along time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch
from mmengine.model import BaseModule
from mmengine.structures import InstanceData
from torch import Tensor

from ...layers import at_least_float32, soft_nms_1d
from .clock import Clock, clocks_of
from .losses import sigmoid_focal_loss
from .pyramid import Level, Points, StepPyramid, points_of
from .targets import Targets
from .towers import PRIOR, Tower

if TYPE_CHECKING:
    from ...joint import Fused

#: Logit of what is no step of the video.
NOT_REAL = -30.0
#: Of one video, so many candidates are compared with each other at most.
MOST_CANDIDATES = 10_000


class PointHead(BaseModule):
    """Classes at the points of a pyramid over time, and something of each point more.

    Subclasses implement :meth:`read_levels`, :meth:`loss`, :meth:`where`,
    :meth:`spans`, :attr:`reach` and :attr:`farthest`.

    Args:
        num_classes: Number of classes.
        in_channels: Channels of the joint's steps; the recognizer says it.
        channels: Channels inside.
        levels: Time scales; each has half the steps of the one before.
        causal: See no step behind a point's own, so that a live video can be followed.
        min_score: What scores less is no prediction.
        max_events: Predictions of a video, at most.
        score_subsets: Predict from every subset of the modalities as well; the
            streams run once.
        init_cfg: Initialisation config.

    Raises:
        ValueError: ``num_classes``, ``channels`` or ``levels`` is less than one.
    """

    over_time = "steps"

    def __init__(
        self,
        num_classes: int,
        in_channels: int,
        *,
        channels: int,
        levels: int,
        causal: bool,
        min_score: float,
        max_events: int,
        score_subsets: bool,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        numbers = dict(num_classes=num_classes, channels=channels, levels=levels)
        for name, value in numbers.items():
            if type(value) is not int or value < 1:
                raise ValueError(
                    f"{type(self).__name__}: {name} is {value!r}, expected a whole "
                    "number from 1 on"
                )
        self.num_classes = num_classes
        self.causal = causal
        self.min_score = min_score
        self.max_events = max_events
        self.score_subsets = score_subsets
        self.pyramid = StepPyramid(in_channels, channels, levels, causal=causal)
        self.class_tower = Tower(channels, num_classes, causal=causal, prior=PRIOR)

    @property
    def stride(self) -> int:
        """Steps of the coarsest level; a part of a film begins at a multiple of it."""
        return self.pyramid.stride

    @property
    def reach(self) -> tuple[int, int]:
        """Steps before and behind what a point covers that its predictions depend on.

        With so many steps on each side, a part of a film gives what the whole gives.
        """
        raise NotImplementedError

    @property
    def farthest(self) -> int:
        """Steps that what a point speaks of lies away from it, at most."""
        raise NotImplementedError

    def forward(self, fused: Fused) -> NamedTuple:
        """Plain tensors; what they are says the class of what is returned."""
        return self.read(fused.steps, fused.valid)

    def read(self, steps: Tensor, valid: Tensor | None = None) -> NamedTuple:
        """What the points say.

        Args:
            steps: ``(N, T, D)``.
            valid: Real steps of each row ``(N,)``. None: all.
        """
        return self.read_levels(self.pyramid(steps, valid))

    def points(self, steps: int, device: torch.device) -> Points:
        """The points of so many steps, as :meth:`read` orders them."""
        return points_of(steps, self.pyramid.levels, device, causal=self.causal)

    def clock(self, start: float, step: float, steps: int) -> Clock:
        """When steps are: that of step 0 and seconds a step, and how many are real."""
        return Clock(start, step, steps)

    def read_levels(self, levels: Sequence[Level]) -> NamedTuple:
        """What the points say of the levels."""
        raise NotImplementedError

    def classify(self, levels: Sequence[Level]) -> Tensor:
        """Logits of the classes, ``(N, P, num_classes)``; what is not real is low."""
        return only_real([self.class_tower(one.x, one.mask) for one in levels], levels)

    def predict(self, fused: Fused, data_samples: Sequence) -> Sequence:
        """Write ``pred_instances`` into the data samples.

        The clips of a sample are joined. With ``score_subsets`` also
        ``subset_instances``, ``{subset: InstanceData}`` of :meth:`Fused.subsets`.

        Raises:
            ValueError: The samples do not say when their steps are.
        """
        clocks = clocks_of(fused, data_samples)
        clips = len(clocks) // len(data_samples)
        for sample, found in zip(data_samples, self.decode(self(fused), clocks, clips)):
            sample.pred_instances = found
        if self.score_subsets:
            subsets = {
                name: self.decode(self(part), clocks, clips)
                for name, part in fused.subsets()
            }
            for row, sample in enumerate(data_samples):
                sample.subset_instances = {
                    name: found[row] for name, found in subsets.items()
                }
        return data_samples

    def decode(
        self, raw: NamedTuple, clocks: Sequence[Clock], clips: int = 1
    ) -> list[InstanceData]:
        """Predictions of each sample, of ``clips`` rows each."""
        found = []
        for first in range(0, len(clocks), clips):
            rows = range(first, first + clips)
            found.append(
                self.settle(
                    [self.candidates(raw, row, clocks[row]) for row in rows],
                    self.max_events,
                )
            )
        return found

    def candidates(self, raw: NamedTuple, row: int, clock: Clock) -> InstanceData:
        """What the points of one row say that score at least ``min_score``."""
        scores = raw.logits[row].sigmoid()  # (P, num_classes)
        points, labels = (scores >= self.min_score).nonzero().T  # (K,)
        scores = scores[points, labels]
        if len(scores) > MOST_CANDIDATES:
            scores, best = scores.topk(MOST_CANDIDATES)
            points, labels = points[best], labels[best]
        return InstanceData(
            scores=scores, labels=labels, **self.where(raw, row, points, clock)
        )

    def where(
        self, raw: NamedTuple, row: int, points: Tensor, clock: Clock
    ) -> dict[str, Tensor]:
        """When that is which some points of a row ``(K,)`` speak of, in seconds."""
        raise NotImplementedError

    def settle(
        self, candidates: Sequence[InstanceData], max_events: int | None
    ) -> InstanceData:
        """Of the candidates of one video the best, by falling score; None: all."""
        together = InstanceData.cat(list(candidates))
        kept, scores = soft_nms_1d(
            self.spans(together),
            together.scores,
            together.labels,
            min_score=self.min_score,
            max_number=max_events,
        )
        together = together[kept]
        together.scores = scores
        return together

    def spans(self, candidates: InstanceData) -> Tensor:
        """Begin and end of what suppresses its like, ``(K, 2)``."""
        raise NotImplementedError

    def class_loss(self, logits: Tensor, targets: Targets) -> tuple[Tensor, Tensor]:
        """Focal loss for each point that has an event, and the number of these."""
        count = targets.positive.sum().clamp(min=1)
        return sigmoid_focal_loss(logits, targets.classes).sum() / count, count


def only_real(logits: Sequence[Tensor], levels: Sequence[Level]) -> Tensor:
    """Logits ``(N, C, T')`` of levels to ``(N, P, C)``, low where a step is not real.

    What the layers give there is no part of a video.
    """
    masked = [
        at_least_float32(x).masked_fill(~level.mask, NOT_REAL)
        for x, level in zip(logits, levels)
    ]
    return torch.cat(masked, 2).transpose(1, 2)


def real_targets(targets: Sequence[Targets], logits: Tensor) -> Targets:
    """Targets of N rows together, of points whose logits are real alone."""
    together = Targets(*(torch.stack(column) for column in zip(*targets)))
    real = logits[..., 0] != NOT_REAL
    return together._replace(
        classes=together.classes * real[..., None], positive=together.positive & real
    )
