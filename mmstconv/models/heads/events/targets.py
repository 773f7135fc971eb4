"""Which point of the pyramid is responsible for which event."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from .pyramid import Points

#: Points within so many strides of an event's middle are responsible for it
#: (ActionFormer's centre sampling).
RADIUS = 1.5
#: Events of one length, for one point: these many steps apart.
SAME = 1e-3


class Targets(NamedTuple):
    """What the points of one sequence should say.

    Args:
        classes: 0 or 1, ``(P, num_classes)``.
        segments: Begin and end of the event of each point in steps, ``(P, 2)``.
        positive: Whether a point has an event, bool ``(P,)``.
    """

    classes: Tensor
    segments: Tensor
    positive: Tensor


def assign_events(
    points: Points, segments: Tensor, labels: Tensor, num_classes: int, *, causal: bool
) -> Targets:
    """The event of each point, the shortest of several.

    A point is responsible for an event if it lies in it, near its middle, and if its
    level is the one for the distance to the edges. Around the middle of an event half
    a step counts as in it, so that one shorter than a step has a point. With
    ``causal`` a point lies behind the event: what ends is known once it has ended.
    Events of the same length at a point give it the classes of all of them.

    Args:
        points: P of them.
        segments: In steps of the grid, ``(K, 2)``.
        labels: ``(K,)``.
        num_classes: Number of classes.
        causal: As the pyramid.
    """
    count = len(points.time)
    classes = segments.new_zeros(count, num_classes)
    if not len(segments):
        nothing = torch.zeros_like(points.time, dtype=torch.bool)
        return Targets(classes, segments.new_zeros(count, 2), nothing)
    time, stride = points.time[:, None], points.stride[:, None]  # (P, 1)
    begin, end = segments.T  # (K,)
    to_begin, to_end = (time - begin).abs(), (time - end).abs()  # (P, K)
    far = torch.maximum(to_begin, to_end)
    if causal:
        since = time - end
        near = (since >= 0) & (since < 2 * RADIUS * stride)
    else:
        off = (time - (begin + end) / 2).abs()
        half = ((end - begin) / 2).clamp(min=0.5)
        near = off <= torch.minimum(half, RADIUS * stride)
    fits = near & (far >= points.low[:, None]) & (far < points.high[:, None])
    length = (end - begin).expand_as(far).masked_fill(~fits, float("inf"))
    shortest, event = length.min(1)  # (P,)
    positive = shortest.isfinite()
    ties = fits & (length <= shortest[:, None] + SAME)  # (P, K)
    for number, label in enumerate(labels.tolist()):
        classes[:, label] = torch.maximum(classes[:, label], ties[:, number].float())
    return Targets(classes, segments[event], positive)


def steps_inside(
    steps: int, segments: Tensor, labels: Tensor, num_classes: int
) -> Tensor:
    """0 or 1, ``(steps, num_classes)``: whether the middle of a step is in an event.

    Args:
        steps: How many.
        segments: In steps, ``(K, 2)``.
        labels: ``(K,)``.
        num_classes: Number of classes.
    """
    middle = torch.arange(steps, device=segments.device)[:, None] + 0.5
    inside = (segments[:, 0] <= middle) & (middle < segments[:, 1])  # (T, K)
    classes = segments.new_zeros(steps, num_classes)
    for number, label in enumerate(labels.tolist()):
        classes[:, label] = torch.maximum(classes[:, label], inside[:, number].float())
    return classes
