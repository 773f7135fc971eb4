"""Sentences of a camera, said as it goes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from torch import nn

from ..datasets.film_steps import FilmSteps, join_film_steps
from ..models.streaming import OnlineEvents
from .camera_events import online_events
from .camera_steps import StreamingSteps
from .captions import (
    TimedCaption,
    caption_spans,
    checked_caption_head,
    checked_every,
    spans_of,
)
from .detect import THRESHOLD, as_detections, checked_classes, fused_steps

Span = tuple[float, float]
#: Seconds of steps that wait for an event to end; of a longer one the last are said.
LONGEST = 120.0


class StreamingCaptioner:
    """A sentence of a camera's last seconds, or of each event when it has ended.

    Frames and sound are pushed as to a :class:`StreamingRecognizer`. What is said is
    what :func:`caption_spans` says of the same times of a file of the same frames and
    sound. Memory does not grow.

    Args:
        model: Of :func:`load_recognizer`; it has a head for captions.
        every: Seconds that a sentence is of, at least a step; the next one follows.
        dense: A sentence of each event instead: the model has a head for events, too.
        threshold: With ``dense``: what scores less is no event.
        patience: With ``dense``: seconds after its end when an event is told. None:
            when none can come that overlaps it.
        hop: Frames from one window to the next, whole steps; half a window, rounded,
            if None. The fewer, the sooner sentences are said.
        pipeline: Instead of the config's ``test_pipeline``.

    Raises:
        ValueError: A head is missing, an argument is out of range, or as of
            :class:`StreamingRecognizer`.

    Example:
        >>> stream = StreamingCaptioner(model, every=4)
        >>> for frame, sound in camera:
        ...     stream.push_sound(sound)
        ...     for said in stream.push_frame(frame):
        ...         print(f"{said.start:.1f} to {said.end:.1f} s: {said.text}")
    """

    def __init__(
        self,
        model: nn.Module,
        *,
        every: float = 4.0,
        dense: bool = False,
        threshold: float = THRESHOLD,
        patience: float | None = None,
        hop: int | None = None,
        pipeline: Sequence[Mapping] | None = None,
    ) -> None:
        checked_caption_head(model)
        self.names = checked_classes(model, None, threshold) if dense else {}
        self.model = model
        self.steps = StreamingSteps(model, hop=hop, pipeline=pipeline)
        self.every = checked_every(every, self.steps.step)
        self.fps = self.steps.fps
        self.sample_rate = self.steps.sample_rate
        self.events: OnlineEvents | None = None
        if dense:
            self.events = online_events(model, self.steps, threshold, patience)
        self.reset()

    def reset(self) -> None:
        """Begin another stream; the next frame is at 0 s."""
        self.steps.reset()
        if self.events is not None:
            self.events.reset()
        self.pieces: list[FilmSteps] = []
        self.said = 0.0  # up to when sentences are said

    def push_sound(self, samples: np.ndarray) -> None:
        """The next samples, mono float32 ``(n,)`` in [-1, 1]."""
        self.steps.push_sound(samples)

    def push_frame(self, frame: np.ndarray) -> list[TimedCaption]:
        """The next upright RGB frame, uint8 ``(H, W, 3)``.

        Returns:
            What can be said by now.
        """
        piece = self.steps.push_frame(frame)
        return [] if piece is None else self._say(self._spans(piece))

    def finish(self) -> list[TimedCaption]:
        """The stream has ended: what is left to say; begins another one."""
        end, spans = self.steps.seconds, list[Span]()
        for piece in self.steps.finish():
            spans += self._spans(piece)
        spans = [(start, min(stop, end)) for start, stop in spans if start < end]
        if self.events is not None:
            told = as_detections(self.events.finish(), self.names, end)
            spans += spans_of(list(told))
        elif self.said < end:
            spans.append((self.said, end))
        said = self._say(spans)
        self.reset()
        return said

    def _spans(self, piece: FilmSteps) -> list[Span]:
        """What can be said with these steps, too."""
        self.pieces.append(piece)
        if self.events is not None:
            told = self.events.push(fused_steps(self.model, piece))
            return spans_of(list(as_detections(told, self.names)))
        spans = []
        while self.said + self.every <= _end_of(piece) + 1e-6:
            spans.append((self.said, self.said + self.every))
            self.said += self.every
        return spans

    def _say(self, spans: list[Span]) -> list[TimedCaption]:
        """The sentences of spans; what no later one needs is forgotten."""
        found = []
        if spans:
            steps = join_film_steps(self.pieces)
            found = list(caption_spans(self.model, steps, sorted(spans)))
        if self.pieces:
            newest, needed = self.pieces[-1], self.said
            if self.events is not None:
                needed = _end_of(newest) - LONGEST
            kept = [one for one in self.pieces if _end_of(one) > needed]
            self.pieces = kept or [newest]
        return found


def _end_of(piece: FilmSteps) -> float:
    return piece.start + piece.count * piece.step
