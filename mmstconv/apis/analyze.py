"""All that the heads of a model say of a film, at the price of reading it once."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from torch import nn

from ..datasets.film_steps import FilmSteps, join_film_steps
from .captions import TimedCaption, caption_spans, parts_of, spans_of
from .detect import THRESHOLD, Detection, checked_classes, events_along, with_progress
from .film_steps import StepLayout, film_steps, step_layout
from .inference import class_probabilities
from .summarize import FilmSummary, rate_shots
from .summary.selection import select_shots
from .summary.shots import ShotLimits
from .tasks import (
    caption_head,
    class_head,
    event_head,
    head_name,
    names_of_classes,
    summary_head,
)
from .windows import Window

#: Seconds of a part that has a sentence where neither events nor shots are found.
PART = 10.0


class ClassesOverTime(NamedTuple):
    """How probable each class is in overlapping windows of a film.

    Args:
        names: Of the classes.
        seconds: Begin and end of each window, ``(W, 2)``.
        scores: ``(W, num_classes)``, each in 0..1.
    """

    names: list[str]
    seconds: np.ndarray
    scores: np.ndarray


class Analysis(NamedTuple):
    """What a model says of a film; None of each task that it has no head for.

    Args:
        end: Of the film, in seconds.
        presence: Whether the film has each modality.
        classes: Along the film.
        events: By rising time.
        summary: Shots with their scores, and which are shown.
        no_choice: Why none is shown; None where some are.
        captions: Sentences of its events; of its shots or of equal parts, if the model
            finds no events.
        said_of: What these are: ``'events'``, ``'shots'`` or ``'parts'``.
    """

    end: float
    presence: dict[str, bool]
    classes: ClassesOverTime | None = None
    events: list[Detection] | None = None
    summary: FilmSummary | None = None
    no_choice: str | None = None
    captions: list[TimedCaption] | None = None
    said_of: str | None = None


def analyze(
    model: nn.Module,
    path: str | os.PathLike,
    *,
    hop: int | None = None,
    threshold: float = THRESHOLD,
    share: float = 0.15,
    limits: ShotLimits | None = None,
    pipeline: Sequence[Mapping] | None = None,
    layout: StepLayout | None = None,
    progress: Callable[[float], None] = lambda seconds: None,
) -> Analysis:
    """Classes over time, events, shots with their importance and sentences of a film.

    The film is read once, as :func:`film_steps` reads it, and each head says what it
    says alone: :func:`score_video`, :func:`detect`, :func:`choose_shots` and
    :func:`caption_events` give the same. Memory grows with the steps of the film, of a
    model with events and classes alone with what these have to say. A modality that
    the file lacks is absent.

    Args:
        model: Of :func:`load_recognizer`; usually with several heads
            (:func:`join_tasks`), at least one for classes, events, summaries or
            captions.
        path: The film.
        hop: Frames from one window to the next, whole steps; half a window, rounded,
            if None.
        threshold: What scores less is no event.
        share: Of the film, that a summary may show.
        limits: Lengths of shots; None is ``ShotLimits()``.
        pipeline: Instead of the config's ``test_pipeline``.
        layout: Of :func:`step_layout`, if it is known.
        progress: Told up to which second the film has been read.

    Raises:
        ValueError: The model has none of these heads, or an argument is out of range
            or does not fit the model.
        FileNotFoundError: There is no such file.
        MediaError: It is no readable video; the message names it.

    Example:
        >>> found = analyze(model, "match.mp4")
        >>> for said in found.captions:
        ...     print(f"{said.start:.1f} to {said.end:.1f} s: {said.text}")
    """
    if not 0 < share <= 1:
        raise ValueError(f"share must be above 0 and at most 1, got {share!r}")
    if not any((class_head(model), *_film_heads(model))):
        raise ValueError(
            f"model.cls_head is a {head_name(model)}: none of classes, events, "
            "summaries or captions"
        )
    names = checked_classes(model, None, threshold) if event_head(model) else None
    windows = _Windows(model, class_head(model))
    film = _Film(whole=bool(summary_head(model) or caption_head(model)))
    pieces = film_steps(
        model,
        path,
        hop,
        pipeline=pipeline,
        layout=layout or step_layout(model, pipeline),
        head=windows.head,
        watch=windows.add,
    )
    pieces, events = film.keeping(with_progress(pieces, progress)), None
    if names is not None:
        events = sorted(events_along(model, pieces, names, threshold))
    deque(pieces, 0)  # those that nobody has asked for
    found = Analysis(film.end, film.presence, windows.over_time(film.end), events)
    if not film.whole:
        return found
    return _of_whole_film(model, film, found, share, limits)


class _Film:
    """What is kept of the pieces of a film that pass by.

    Args:
        whole: Keep them all, not only what they are of.
    """

    def __init__(self, *, whole: bool) -> None:
        self.whole = whole
        self.pieces: list[FilmSteps] = []
        self.presence: dict[str, bool] = {}
        self.end = 0.0

    def keeping(self, pieces: Iterator[FilmSteps]) -> Iterator[FilmSteps]:
        for piece in pieces:
            self.end = piece.end
            for name, here in piece.presence.items():
                self.presence[name] = here or self.presence.get(name, False)
            if self.whole:
                self.pieces.append(piece)
            yield piece


class _Windows:
    """What a head for classes, if there is one, says of the windows of a film."""

    def __init__(self, model: nn.Module, head: nn.Module | None) -> None:
        self.model = model
        self.head = head
        self.seconds: list[tuple[float, float]] = []
        self.scores: list[np.ndarray] = []

    def add(self, window: Window) -> None:
        if self.head is not None:
            scores = class_probabilities(self.model, window.scores)
            self.seconds.append((window.start, window.end))
            self.scores.append(scores.float().numpy())

    def over_time(self, end: float) -> ClassesOverTime | None:
        if self.head is None:
            return None
        seconds = np.minimum(np.array(self.seconds, np.float64).reshape(-1, 2), end)
        names = names_of_classes(self.model, self.head)
        return ClassesOverTime(names, seconds, np.stack(self.scores))


def _of_whole_film(
    model: nn.Module,
    film: _Film,
    found: Analysis,
    share: float,
    limits: ShotLimits | None,
) -> Analysis:
    """With the shots and the sentences, which take all steps of the film."""
    steps = join_film_steps(film.pieces)
    film.pieces.clear()
    if summary_head(model):
        summary, shots = rate_shots(model, steps, limits)
        try:
            chosen = select_shots(summary.importance, shots, share)
            found = found._replace(summary=summary._replace(chosen=chosen))
        except ValueError as error:  # a film too short, or of no importance
            found = found._replace(summary=summary, no_choice=str(error))
    if caption_head(model):
        if found.events is not None:
            said_of, spans = "events", spans_of(found.events)
        elif found.summary is not None:
            said_of, spans = "shots", list(map(tuple, found.summary.shots.tolist()))
        else:
            said_of, spans = "parts", parts_of(steps, PART)
        captions = list(caption_spans(model, steps, spans))
        found = found._replace(captions=captions, said_of=said_of)
    return found


def _film_heads(model: nn.Module) -> tuple[nn.Module | None, ...]:
    return event_head(model), summary_head(model), caption_head(model)
