"""Instants along an untrimmed video: what, and when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch
import torch.nn.functional as F
from mmaction.registry import MODELS
from mmengine.structures import InstanceData
from torch import Tensor

from ..layers import at_least_float32
from .events.clock import Clock, clocks_of
from .events.point_head import PointHead, real_targets
from .events.pyramid import Level
from .events.targets import assign_instants
from .events.towers import Tower
from .events.truth import events_of, seen_times

if TYPE_CHECKING:
    from ..joint import Fused

#: An instant is at most so many steps from the step that speaks of it.
FARTHEST = 4.0


class RawInstants(NamedTuple):
    """What T steps say of instants, in plain tensors.

    Args:
        logits: Of the classes, ``(N, T, num_classes)``; -30 where a step is not real.
        times: In steps, float64 ``(N, T)``.
    """

    logits: Tensor
    times: Tensor


@MODELS.register_module()
class TemporalSpottingHead(PointHead):
    """Class of each step, and how far off the instant is.

    The dense anchors of `Temporally Precise Action Spotting in Soccer Videos Using
    Dense Detection Anchors <https://arxiv.org/abs/2205.10450>`_: a confidence and a
    displacement for each step and class; here all classes of a step share one
    displacement. Peaks are what soft-NMS leaves.

    Args:
        num_classes: Number of classes.
        in_channels: Channels of the joint's steps; the recognizer says it.
        channels: Channels inside.
        causal: See no step behind a step's own; it then speaks of what has just been.
        window: Seconds on each side of an instant in which it suppresses others of its
            class, the less the farther they are.
        min_score: What scores less is no prediction.
        max_events: Predictions of a video, at most.
        score_subsets: Predict from every subset of the modalities as well; the
            streams run once.
        init_cfg: Initialisation config.

    Shape:
        - Input: :class:`Fused` of N sequences of T steps.
        - Output: :class:`RawInstants`.

    Raises:
        ValueError: An argument is out of range; samples do not say when their steps
            are, or their truth does not fit, with the file's name.
    """

    truth = "gt_instances.times"

    def __init__(
        self,
        num_classes: int,
        in_channels: int,
        *,
        channels: int = 64,
        causal: bool = False,
        window: float = 0.5,
        min_score: float = 0.001,
        max_events: int = 200,
        score_subsets: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(
            num_classes,
            in_channels,
            channels=channels,
            levels=1,
            causal=causal,
            min_score=min_score,
            max_events=max_events,
            score_subsets=score_subsets,
            init_cfg=init_cfg,
        )
        if not window > 0:
            raise ValueError(f"window is {window!r}, expected seconds above 0")
        self.window = window
        self.offset_tower = Tower(channels, 1, causal=causal)

    @property
    def reach(self) -> tuple[int, int]:
        layers = self.pyramid.reach + self.offset_tower.reach
        return (layers, 0) if self.causal else (layers // 2,) * 2

    @property
    def farthest(self) -> int:
        return int(FARTHEST)

    def read_levels(self, levels: Sequence[Level]) -> RawInstants:
        (level,) = levels
        offsets = at_least_float32(self.offset_tower(level.x, level.mask))[:, 0]
        offsets = offsets.clamp(-FARTHEST, FARTHEST)
        if self.causal:  # not behind its step, which is still told what it is off by
            offsets = offsets - offsets.relu().detach()
        points = self.points(offsets.shape[1], offsets.device)
        times = points.time.double() + offsets  # (N, T)
        return RawInstants(self.classify(levels), times)

    def loss(self, fused: Fused, data_samples: Sequence) -> dict[str, Tensor]:
        """Losses of a batch.

        Args:
            fused: N sequences, those of a sample one after another.
            data_samples: With ``gt_instances``: ``times`` ``(K,)`` in seconds of the
                film and ``labels`` ``(K,)``.

        Returns:
            ``loss_cls`` and ``loss_offset``, the latter in steps.
        """
        raw = self(fused)
        clocks = clocks_of(fused, data_samples)
        clips = len(clocks) // len(data_samples)
        points = self.points(fused.steps.shape[1], raw.logits.device)
        targets = []
        for row, clock in enumerate(clocks):
            truth = events_of(data_samples[row // clips], "times", self.num_classes)
            times, labels = seen_times(*truth, clock)
            times = times.to(raw.logits.device)
            targets.append(
                assign_instants(
                    points, times, labels, self.num_classes, causal=self.causal
                )
            )
        targets = real_targets(targets, raw.logits)
        loss_cls, count = self.class_loss(raw.logits, targets)
        here = targets.positive
        off = F.smooth_l1_loss(
            raw.times[here].float(), targets.where[here], reduction="sum"
        )
        return dict(loss_cls=loss_cls, loss_offset=off / count)

    def where(
        self, raw: RawInstants, row: int, points: Tensor, clock: Clock
    ) -> dict[str, Tensor]:
        return dict(times=clock.to_seconds(raw.times[row, points]))

    def spans(self, candidates: InstanceData) -> Tensor:
        times = candidates.times
        return torch.stack([times - self.window, times + self.window], 1)
