"""Events of a camera, told when they have ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from torch import nn

from ..datasets.film_steps import FilmSteps
from ..models.streaming import OnlineEvents
from .camera_steps import StreamingSteps
from .detect import THRESHOLD, Detection, as_detections, checked_classes, fused_steps
from .tasks import event_head


class StreamingDetector:
    """Events of a camera, told when they have ended.

    Frames and sound are pushed as to a :class:`StreamingRecognizer`. The steps are
    those of :func:`film_steps`: each is taken from the window in whose middle it lies
    best, so it is known half a window after it. The events are those that
    :func:`detect` finds in a file of the same frames and the same sound.

    Args:
        model: Of :func:`load_recognizer`; its head is a ``TemporalEventHead`` or a
            ``TemporalSpottingHead``. One with ``causal=True`` looks at no later step;
            another one waits until it has seen them (``head.reach``).
        hop: Frames from one window to the next, whole steps; half a window, rounded,
            if None. The fewer, the sooner events are told.
        classes: Names of the classes that are wanted; None: all.
        threshold: What scores less is no event.
        patience: Seconds after its end when an event is told. None: when none can come
            that overlaps it, so that events are those of :func:`detect`.
        pipeline: Instead of the config's ``test_pipeline``.

    Raises:
        ValueError: As of :func:`detect` and :class:`StreamingRecognizer`.

    Example:
        >>> stream = StreamingDetector(model, patience=0.5)
        >>> for frame, sound in camera:
        ...     stream.push_sound(sound)
        ...     for event in stream.push_frame(frame):
        ...         print(f"{event.label}, since {event.start:.1f} s")
    """

    def __init__(
        self,
        model: nn.Module,
        *,
        hop: int | None = None,
        classes: Sequence[str] | None = None,
        threshold: float = THRESHOLD,
        patience: float | None = None,
        pipeline: Sequence[Mapping] | None = None,
    ) -> None:
        self.names = checked_classes(model, classes, threshold)
        self.model = model
        self.steps = StreamingSteps(model, hop=hop, pipeline=pipeline)
        self.fps = self.steps.fps
        self.sample_rate = self.steps.sample_rate
        self.events = online_events(model, self.steps, threshold, patience)

    def reset(self) -> None:
        """Begin another stream; the next frame is at 0 s."""
        self.steps.reset()
        self.events.reset()

    @property
    def ongoing(self) -> dict[str, float]:
        """Of a causal head: how probable each class goes on at the newest step."""
        now = self.events.ongoing
        if now is None:
            return {}
        return {name: float(now[-1, label]) for label, name in self.names.items()}

    def push_sound(self, samples: np.ndarray) -> None:
        """The next samples, mono float32 ``(n,)`` in [-1, 1]."""
        self.steps.push_sound(samples)

    def push_frame(self, frame: np.ndarray) -> list[Detection]:
        """The next upright RGB frame, uint8 ``(H, W, 3)``.

        Returns:
            The events that have become known.
        """
        piece = self.steps.push_frame(frame)
        return [] if piece is None else self._read(piece)

    def finish(self) -> list[Detection]:
        """The stream has ended: the events that are left; begins another one.

        As along a file, the last frame stands still, in silence, until the last window
        is full.
        """
        end, told = self.steps.seconds, list[Detection]()
        for piece in self.steps.finish():
            told += self._read(piece)
        told += as_detections(self.events.finish(), self.names, end)
        return told

    def _read(self, piece: FilmSteps) -> list[Detection]:
        """Some steps through joint and head."""
        told = self.events.push(fused_steps(self.model, piece))
        return list(as_detections(told, self.names))


def online_events(
    model: nn.Module, steps: StreamingSteps, threshold: float, patience: float | None
) -> OnlineEvents:
    """The model's head for events, to be fed the steps of a camera.

    Raises:
        ValueError: ``patience`` is out of range.
    """
    if patience is not None and not patience >= 0:
        raise ValueError(f"patience must be 0 or more seconds, got {patience!r}")
    return OnlineEvents(
        event_head(model),
        step=steps.step,
        start=steps.start,
        min_score=threshold,
        patience=patience,
    )
