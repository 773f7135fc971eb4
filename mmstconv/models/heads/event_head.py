"""Events along an untrimmed video: what, and from when to when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch
from mmaction.registry import MODELS
from mmengine.structures import InstanceData
from torch import Tensor

from ..layers import StepConv, at_least_float32
from .events.clock import Clock, clocks_of
from .events.edges import refine_edges
from .events.losses import diou_loss_1d, sigmoid_focal_loss
from .events.point_head import PointHead, only_real, real_targets
from .events.pyramid import Level
from .events.targets import assign_events, steps_inside
from .events.towers import FARTHEST, PRIOR, DistanceTower
from .events.truth import events_of, seen_segments

if TYPE_CHECKING:
    from ..joint import Fused

#: Steps on each side of an edge that say where it is.
BINS = 6


class RawEvents(NamedTuple):
    """What P points and T steps say of events, in plain tensors.

    Args:
        logits: Of the classes, ``(N, P, num_classes)``; -30 where a point is not real.
        segments: Begin and end in steps, float64 ``(N, P, 2)``.
        rough: The same before the edges are refined.
        ongoing: Logits of the classes at each step, ``(N, T, num_classes)``, T padded
            to a multiple of the coarsest stride; of a causal head, else None.
    """

    logits: Tensor
    segments: Tensor
    rough: Tensor
    ongoing: Tensor | None = None


@MODELS.register_module()
class TemporalEventHead(PointHead):
    """Class, begin and end of events, at points of a pyramid over time.

    `ActionFormer <https://arxiv.org/abs/2202.07925>`_ without anchors, with the maxima
    of `TemporalMaxer <https://arxiv.org/abs/2303.09055>`_ in the place of attention:
    each point says which classes have an event there, and how far its edges are. The
    edges are then refined on the first level (:func:`refine_edges`), so that those of
    long events are as exact as those of short ones.

    An event is at most 16 strides of the last level long on each side of a point of
    it: with 4 levels and 8 steps a second that is 16 s, each level more doubles it.

    With ``causal`` it follows a live video: a point speaks of the event that has
    ended just before it, and each step says which classes go on (``ongoing``).

    Args:
        num_classes: Number of classes.
        in_channels: Channels of the joint's steps; the recognizer says it.
        channels: Channels inside.
        levels: Time scales; each has half the steps of the one before.
        causal: See no step behind a point's own.
        min_score: What scores less is no prediction.
        max_events: Predictions of a video, at most.
        score_subsets: Predict from every subset of the modalities as well; the
            streams run once.
        init_cfg: Initialisation config.

    Shape:
        - Input: :class:`Fused` of N sequences of T steps.
        - Output: :class:`RawEvents`.

    Raises:
        ValueError: An argument is not a whole number from 1 on; samples do not say
            when their steps are, or their truth does not fit, with the file's name.
    """

    truth = "gt_instances.segments"

    def __init__(
        self,
        num_classes: int,
        in_channels: int,
        *,
        channels: int = 64,
        levels: int = 4,
        causal: bool = False,
        min_score: float = 0.001,
        max_events: int = 200,
        score_subsets: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(
            num_classes,
            in_channels,
            channels=channels,
            levels=levels,
            causal=causal,
            min_score=min_score,
            max_events=max_events,
            score_subsets=score_subsets,
            init_cfg=init_cfg,
        )
        self.distance_tower = DistanceTower(channels, levels, causal=causal)
        self.ongoing: StepConv | None = None
        if causal:
            self.ongoing = StepConv(
                channels, num_classes, causal=True, plain=True, prior=PRIOR
            )

    @property
    def reach(self) -> tuple[int, int]:
        layers = self.pyramid.reach + self.distance_tower.reach  # on the first level
        if self.causal:
            return self.farthest + layers, 0
        return (self.farthest + layers // 2,) * 2

    @property
    def farthest(self) -> int:
        return int(FARTHEST) * self.stride + BINS + 1

    def read_levels(self, levels: Sequence[Level]) -> RawEvents:
        distances, responses = self.distance_tower(levels)  # (N, P, 2), (N, T, 2)
        distances = at_least_float32(distances)
        responses = at_least_float32(responses)
        steps = levels[0].x.shape[2]
        # In double precision, so that step 90,000 is as exact as step 9.
        time = self.points(steps, distances.device).time.double()  # (P,)
        real = levels[0].mask.sum(2)  # (N, 1)
        if self.causal:
            last = torch.minimum(real, time) - 1  # (N, P)
            rough = time[:, None] - distances
        else:
            last = real.expand(-1, len(time)) - 1
            rough = time[:, None] + distances * distances.new_tensor([-1.0, 1.0])
        rough = _in_order(rough)
        edges = [
            refine_edges(edge, response, last, BINS)
            for edge, response in zip(rough.detach().unbind(2), responses.unbind(2))
        ]
        ongoing = None
        if self.ongoing is not None:
            first = levels[0]
            x = self.class_tower.features(first.x, first.mask)
            ongoing = only_real([self.ongoing(x, first.mask)], levels[:1])
        return RawEvents(
            self.classify(levels), _in_order(torch.stack(edges, 2)), rough, ongoing
        )

    def loss(self, fused: Fused, data_samples: Sequence) -> dict[str, Tensor]:
        """Losses of a batch.

        Args:
            fused: N sequences, those of a sample one after another.
            data_samples: With ``gt_instances``: ``segments`` ``(K, 2)`` in seconds of
                the film and ``labels`` ``(K,)``.

        Returns:
            ``loss_cls``, ``loss_rough`` and ``loss_edges``; of a causal head
            ``loss_ongoing``.
        """
        raw = self(fused)
        clocks = clocks_of(fused, data_samples)
        clips = len(clocks) // len(data_samples)
        points = self.points(fused.steps.shape[1], raw.logits.device)
        targets, inside = [], []
        for row, clock in enumerate(clocks):
            truth = events_of(data_samples[row // clips], "segments", self.num_classes)
            segments, labels = seen_segments(*truth, clock)
            segments = segments.to(raw.logits.device)
            event = (segments, labels, self.num_classes)
            targets.append(assign_events(points, *event, causal=self.causal))
            inside.append(steps_inside(fused.steps.shape[1], *event))
        targets = real_targets(targets, raw.logits)
        loss_cls, count = self.class_loss(raw.logits, targets)
        here = targets.positive
        true = targets.where[here].double()
        losses = dict(
            loss_cls=loss_cls,
            loss_rough=diou_loss_1d(raw.rough[here], true).sum().float() / count,
            loss_edges=diou_loss_1d(raw.segments[here], true).sum().float() / count,
        )
        if raw.ongoing is not None:
            inside = torch.stack(inside)  # (N, T, num_classes)
            logits = raw.ongoing[:, : inside.shape[1]]
            count = inside.sum().clamp(min=1)
            losses["loss_ongoing"] = sigmoid_focal_loss(logits, inside).sum() / count
        return losses

    def where(
        self, raw: RawEvents, row: int, points: Tensor, clock: Clock
    ) -> dict[str, Tensor]:
        return dict(segments=clock.to_seconds(raw.segments[row, points]))

    def spans(self, candidates: InstanceData) -> Tensor:
        return candidates.segments


def _in_order(segments: Tensor) -> Tensor:
    """``(N, P, 2)`` with the begin not behind the end."""
    return torch.stack([segments.amin(2), segments.amax(2)], 2)
