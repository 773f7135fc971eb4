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
        where: Begin and end of the event of each point, ``(P, 2)``, or its instant
            ``(P,)``, in steps.
        positive: Whether a point has an event, bool ``(P,)``.
    """

    classes: Tensor
    where: Tensor
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
    time, stride = points.time[:, None], points.stride[:, None]  # (P, 1)
    begin, end = segments.T  # (K,)
    far = torch.maximum((time - begin).abs(), (time - end).abs())  # (P, K)
    if causal:
        near = _just_before(time - end, stride)
    else:
        off = (time - (begin + end) / 2).abs()
        half = ((end - begin) / 2).clamp(min=0.5)
        near = off <= torch.minimum(half, RADIUS * stride)
    fits = near & (far >= points.low[:, None]) & (far < points.high[:, None])
    length = (end - begin).expand_as(far)
    return _smallest(length, fits, segments, labels, num_classes)


def assign_instants(
    points: Points, times: Tensor, labels: Tensor, num_classes: int, *, causal: bool
) -> Targets:
    """The instant of each point, the nearest of several.

    Args:
        points: P of them, of one level.
        times: In steps of the grid, ``(K,)``.
        labels: ``(K,)``.
        num_classes: Number of classes.
        causal: As the pyramid: the instant is one just before the point.
    """
    since = points.time[:, None] - times  # (P, K)
    stride = points.stride[:, None]
    near = since.abs() <= RADIUS * stride
    if causal:
        near = _just_before(since, stride)
    return _smallest(since.abs(), near, times, labels, num_classes)


def _just_before(since: Tensor, stride: Tensor) -> Tensor:
    """As many points as lie around a middle, but behind it."""
    return (since >= 0) & (since < 2 * RADIUS * stride)


def _smallest(
    size: Tensor, fits: Tensor, where: Tensor, labels: Tensor, num_classes: int
) -> Targets:
    """Targets of the event with the smallest size ``(P, K)`` of those that fit."""
    classes = size.new_zeros(len(size), num_classes)
    if not len(labels):
        nothing = torch.zeros_like(classes[:, 0], dtype=torch.bool)
        return Targets(classes, where.new_zeros(len(size), *where.shape[1:]), nothing)
    size = size.masked_fill(~fits, float("inf"))
    smallest, event = size.min(1)  # (P,)
    same = fits & (size <= smallest[:, None] + SAME)  # (P, K)
    for number, label in enumerate(labels.tolist()):
        classes[:, label] = torch.maximum(classes[:, label], same[:, number].float())
    return Targets(classes, where[event], smallest.isfinite())


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
