"""Sentences of what a film holds: of all of it, of its parts, of its events."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from ..datasets.film_steps import FilmSteps, join_film_steps
from ..engine.film_caches import cache_key
from .detect import (
    THRESHOLD,
    Detection,
    checked_classes,
    detect,
    events_along,
    with_progress,
)
from .film_steps import StepLayout, as_features, film_steps, step_layout
from .tasks import caption_head, head_name

#: Spans that are said at a time.
BATCH = 16


class TimedCaption(NamedTuple):
    """What is said of a part of a film.

    Args:
        start: In seconds of the film.
        end: In seconds.
        text: The sentence.
        score: Mean log probability of a token of it.
    """

    start: float
    end: float
    text: str
    score: float


def caption_video(
    model: nn.Module,
    path: str | os.PathLike,
    *,
    every: float | None = None,
    hop: int | None = None,
    pipeline: Sequence[Mapping] | None = None,
    layout: StepLayout | None = None,
    progress: Callable[[float], None] = lambda seconds: None,
) -> list[TimedCaption]:
    """A sentence of a whole film, or one of each of its parts.

    The film is read once, as :func:`film_steps` reads it. Memory grows with its steps
    alone. A modality that the file lacks is absent.

    Args:
        model: Of :func:`load_recognizer`; it has a head for captions.
        path: The video file.
        every: Seconds of a part, at least a step; None: all of the film is one.
        hop: Frames from one window to the next, whole steps; half a window, rounded,
            if None.
        pipeline: Instead of the config's ``test_pipeline``.
        layout: Of :func:`step_layout`, if it is known.
        progress: Told up to which second the film has been read.

    Raises:
        ValueError: The model has no head for captions, or an argument is out of range.
        FileNotFoundError: There is no such file.
        MediaError: It is no readable video; the message names it.
    """
    checked_caption_head(model)
    layout = layout or step_layout(model, pipeline)
    if every is not None:
        checked_every(every, float(layout.width) / layout.fps)
    pieces = film_steps(model, path, hop, pipeline=pipeline, layout=layout)
    steps = join_film_steps(with_progress(pieces, progress))
    return list(caption_spans(model, steps, parts_of(steps, every)))


def caption_events(
    model: nn.Module,
    path: str | os.PathLike,
    *,
    detector: nn.Module | None = None,
    classes: Sequence[str] | None = None,
    threshold: float = THRESHOLD,
    hop: int | None = None,
    pipeline: Sequence[Mapping] | None = None,
    layout: StepLayout | None = None,
    progress: Callable[[float], None] = lambda seconds: None,
) -> list[TimedCaption]:
    """A sentence of each event of a film (dense captions), by rising time.

    A detector whose streams are those of the model reads the same steps; another one
    reads the film once more.

    Args:
        model: Of :func:`load_recognizer`; it has a head for captions.
        path: The video file.
        detector: Whose head finds the events; None: the model itself.
        classes: Names of the classes that are wanted; None: all.
        threshold: What scores less is no event.
        hop: As of :func:`caption_video`.
        pipeline: As of :func:`caption_video`.
        layout: As of :func:`caption_video`.
        progress: As of :func:`caption_video`.

    Raises:
        ValueError: A head is missing; there is no such class; or an argument is out of
            range or does not fit the model.
        FileNotFoundError: There is no such file.
        MediaError: It is no readable video; the message names it.
    """
    checked_caption_head(model)
    detector = detector or model
    names = checked_classes(detector, classes, threshold)
    layout = layout or step_layout(model, pipeline)
    pieces = film_steps(model, path, hop, pipeline=pipeline, layout=layout)
    pieces, kept = with_progress(pieces, progress), list[FilmSteps]()
    if share_steps(model, detector):
        events = list(events_along(detector, keeping(pieces, kept), names, threshold))
    else:
        kept = list(pieces)
        options = dict(classes=classes, threshold=threshold)
        events = list(detect(detector, path, **options))
    steps = join_film_steps(kept)
    return list(caption_spans(model, steps, spans_of(events)))


def share_steps(model: nn.Module, other: nn.Module) -> bool:
    """Whether what the streams of two models say along a film is the same."""
    if model is other:
        return True
    keys = [cache_key(one, one.cfg.test_pipeline, 0) for one in (model, other)]
    return keys[0] == keys[1]


def keeping(pieces: Iterator[FilmSteps], kept: list[FilmSteps]) -> Iterator[FilmSteps]:
    """The pieces, each put into a list on its way."""
    for piece in pieces:
        kept.append(piece)
        yield piece


def checked_every(every: float, step: float) -> float:
    """Seconds of a part that has a sentence, if steps of so many seconds make it up.

    Raises:
        ValueError: It is shorter than a step.
    """
    if not every >= step:
        raise ValueError(
            "every must be seconds above 0, and no less than a step of the model, "
            f"{step:g} s; got {every!r}"
        )
    return every


def parts_of(steps: FilmSteps, every: float | None) -> list[tuple[float, float]]:
    """Begin and end of parts of a film of about so many seconds; None: it is one."""
    seconds = steps.seconds
    start = float(seconds[0, 0])
    end = max(min(steps.end, float(seconds[-1, 1])), start + steps.step / 2)
    count = 1 if every is None else max(round((end - start) / every), 1)
    edges = np.linspace(start, end, count + 1).tolist()
    return list(pairwise(edges))


def spans_of(events: Sequence[Detection]) -> list[tuple[float, float]]:
    """When events are, each span once, by rising time."""
    return sorted({(event.start, event.end) for event in events})


@torch.inference_mode()
def caption_spans(
    model: nn.Module, steps: FilmSteps, spans: Sequence[tuple[float, float]]
) -> Iterator[TimedCaption]:
    """A sentence of each of some spans of a film.

    Args:
        model: With a head for captions.
        steps: Of the film.
        spans: Begin and end, in seconds, by rising time.
    """
    head = checked_caption_head(model)
    for first in range(0, len(spans), BATCH):
        some = spans[first : first + BATCH]
        fused = model.joint(as_features(model, _around(steps, some)))
        rows = torch.zeros(len(some), dtype=torch.long)
        part = fused.between(torch.tensor(some, dtype=torch.float64), rows)
        for span, found in zip(some, head.caption(part), strict=True):
            yield TimedCaption(*span, *found)


def _around(steps: FilmSteps, spans: Sequence[tuple[float, float]]) -> FilmSteps:
    """The steps that spans lie in, so that no others are fused for them."""
    begin = (min(start for start, _ in spans) - steps.start) / steps.step
    end = (max(end for _, end in spans) - steps.start) / steps.step
    first = min(max(int(begin) - 1, 0), steps.count - 1)
    return steps.part(first, max(int(end) + 2 - first, 1))


def checked_caption_head(model: nn.Module) -> nn.Module:
    """The model's head for captions.

    Raises:
        ValueError: There is none.
    """
    head = caption_head(model)
    if head is None:
        raise ValueError(
            f"model.cls_head is a {head_name(model)}, which says no sentences: take a "
            "config with an LSTMCaptionHead or a PrefixCaptionHead"
        )
    return head
