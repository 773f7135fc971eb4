"""Events along a film, at the price of reading it once."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import torch
from mmengine.structures import InstanceData
from torch import Tensor, nn

from ..datasets.film_steps import FilmSteps
from ..models.streaming import OnlineEvents
from .film_steps import StepLayout, as_features, film_steps, step_layout
from .tasks import event_head, head_name, names_of_classes

#: What scores less is no event, unless the caller says otherwise.
THRESHOLD = 0.3
#: Steps that go through the head at a time, for each one that it sees beyond them.
CHUNK = 4


class Detection(NamedTuple):
    """An event that was found in a film.

    Args:
        start: In seconds of the film.
        end: In seconds; of an instant the same as ``start``.
        label: Name of the class.
        score: In 0..1.
    """

    start: float
    end: float
    label: str
    score: float


def detect(
    model: nn.Module,
    path: str | os.PathLike,
    *,
    hop: int | None = None,
    classes: Sequence[str] | None = None,
    threshold: float = THRESHOLD,
    pipeline: Sequence[Mapping] | None = None,
    layout: StepLayout | None = None,
    progress: Callable[[float], None] = lambda seconds: None,
) -> Iterator[Detection]:
    """Events of a film: what, from when to when, and how sure.

    The film is read once, as :func:`film_steps` reads it; joint and head run over the
    steps part by part, each part with as many steps around it as the head sees
    (``head.reach``). The events are those that the head finds in the whole film; where
    candidates overlap for thousands of steps without a gap, as with a threshold near 0,
    they are settled part by part (:class:`OnlineEvents`). Memory does not grow with the
    film. A modality that the file lacks is absent.

    Args:
        model: Of :func:`load_recognizer`; its head is a ``TemporalEventHead`` or a
            ``TemporalSpottingHead``.
        path: The video file.
        hop: Frames from one window to the next, whole steps; half a window, rounded,
            if None.
        classes: Names of the classes that are wanted; None: all.
        threshold: What scores less is no event.
        pipeline: Instead of the config's ``test_pipeline``.
        layout: Of :func:`step_layout`, if it is known.
        progress: Told up to which second the film has been read.

    Returns:
        Events, as they become known: by rising time but for overlapping ones.

    Raises:
        ValueError: The head is of another task; there is no such class; or an argument
            is out of range or does not fit the model.
        FileNotFoundError: There is no such file.
        MediaError: It is no readable video; the message names it.

    Example:
        >>> for event in detect(model, "match.mp4"):
        ...     print(f"{event.start:.2f} to {event.end:.2f} s: {event.label}")
    """
    names = checked_classes(model, classes, threshold)
    layout = layout or step_layout(model, pipeline)
    pieces = film_steps(model, path, hop, pipeline=pipeline, layout=layout)
    return events_along(model, with_progress(pieces, progress), names, threshold)


def events_along(
    model: nn.Module,
    pieces: Iterator[FilmSteps],
    names: Mapping[int, str],
    threshold: float,
) -> Iterator[Detection]:
    """Events of a film whose steps come in pieces.

    Args:
        model: With a head for events.
        pieces: Of :func:`film_steps`.
        names: Of :func:`checked_classes`.
        threshold: What scores less is no event.
    """
    head, events, end = event_head(model), None, math.inf
    chunk = max(CHUNK * sum(head.reach), head.stride)
    waiting: list[Tensor] = []
    for piece in pieces:
        if events is None:
            events = OnlineEvents(
                head, step=piece.step, start=piece.start, min_score=threshold
            )
        waiting.append(fused_steps(model, piece))
        if sum(x.shape[1] for x in waiting) >= chunk:
            known = events.push(torch.cat(waiting, 1))
            yield from as_detections(known, names, piece.end)
            waiting = []
        end = piece.end
    if waiting:
        yield from as_detections(events.push(torch.cat(waiting, 1)), names, end)
    yield from as_detections(events.finish(), names, end)


def with_progress(
    pieces: Iterator[FilmSteps], progress: Callable[[float], None]
) -> Iterator[FilmSteps]:
    """The pieces of a film; progress is told up to which second they are there."""
    for piece in pieces:
        progress(min(piece.start + piece.count * piece.step, piece.end))
        yield piece


@torch.inference_mode()
def fused_steps(model: nn.Module, piece: FilmSteps) -> Tensor:
    """What the joint makes of a piece of a film, ``(1, T, D)``."""
    return model.joint(as_features(model, piece)).steps


def checked_classes(
    model: nn.Module, classes: Sequence[str] | None, threshold: float
) -> dict[int, str]:
    """``{label: name}`` of the classes that are wanted.

    Raises:
        ValueError: As of :func:`detect`.
    """
    head = event_head(model)
    if head is None:
        raise ValueError(
            f"model.cls_head is a {head_name(model)}, which detects no events: "
            "take a config with a TemporalEventHead or a TemporalSpottingHead"
        )
    if not 0 < threshold <= 1:
        raise ValueError(f"threshold must lie in 0..1 and not be 0, got {threshold!r}")
    names = names_of_classes(model, head)
    unknown = [one for one in classes or () if one not in names]
    if unknown:
        raise ValueError(
            f"there is no class {', '.join(map(repr, unknown))}; the model's are "
            f"{', '.join(map(repr, names))}"
        )
    return {k: name for k, name in enumerate(names) if not classes or name in classes}


def as_detections(
    told: InstanceData, names: Mapping[int, str], end: float = math.inf
) -> Iterator[Detection]:
    """Events of a head by rising time, cut off where the film ends.

    Args:
        told: With ``segments`` or ``times``, ``labels`` and ``scores``.
        names: Of the classes that are wanted.
        end: Of the film, in seconds.
    """
    if not len(told):
        return
    times = told.segments if "segments" in told else told.times[:, None].expand(-1, 2)
    rows = zip(times.tolist(), told.labels.tolist(), told.scores.tolist())
    for (start, stop), label, score in sorted(rows):
        if label in names:
            yield Detection(min(start, end), min(stop, end), names[label], score)
