"""A model on the last window of a camera, at the price of its newest frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from torch import nn

from ..media.reading.pushed import PushedMedia
from .windows import Window, Windows


class StreamingRecognizer:
    """What a model says of a camera's last window, at the price of its newest frame.

    Frames come at the rate of the pipeline's clips (``fps``), sound at ``sample_rate``
    without gaps. Push the sound of a time before its frame: what has not come when a
    window is read counts as silence. A window gives what the model gives on it alone,
    whatever came before; without any sound the audio stream is absent.

    Args:
        model: Of :func:`load_recognizer`. Its 3D streams need
            ``temporal_padding=False``: others are run on the whole window every time.
        hop: Frames from one window to the next; the model's stride over time if None.
        pipeline: Instead of the config's ``test_pipeline``. Frames go through its
            resizing and cropping.
        stage: As of :func:`score_video`.

    Raises:
        ValueError: ``hop`` or the pipeline does not fit the model, or the pipeline
            gives a window sound from after its end.

    Example:
        >>> stream = StreamingRecognizer(model)
        >>> for frame, sound in camera:
        ...     stream.push_sound(sound)
        ...     window = stream.push_frame(frame)
        ...     if window is not None:
        ...         print(window.scores.argmax())
    """

    def __init__(
        self,
        model: nn.Module,
        *,
        hop: int | None = None,
        pipeline: Sequence[Mapping] | None = None,
        stage: str = "predict",
    ) -> None:
        self.windows = Windows(model, pipeline, hop, stage)
        if hop is None:
            self.windows.hop = self.windows.scorer.stride
        if self.windows.pieces.sound_context > 0 and "audio" in self.windows.windowed:
            raise ValueError(
                "the pipeline gives a window sound from after its end (context="
                f"{self.windows.pieces.sound_context}), which no camera has yet"
            )
        self.fps = self.windows.pieces.fps
        self.sample_rate = self.windows.pieces.sample_rate
        self.reset()

    def reset(self) -> None:
        """Begin another stream; the next frame is at 0 s."""
        pieces = self.windows.pieces
        seconds = pieces.duration + 2 / pieces.fps
        self.media = PushedMedia(self.fps, 2, self.sample_rate, seconds)
        self.windows.scorer.reset()

    def push_sound(self, samples: np.ndarray) -> None:
        """The next samples, mono float32 ``(n,)`` in [-1, 1]."""
        self.media.push_sound(np.asarray(samples))

    def push_frame(self, frame: np.ndarray) -> Window | None:
        """The next upright RGB frame, uint8 ``(H, W, 3)``.

        Returns:
            The newest window, whenever one has become complete: it ends
            with this frame, from which the last flow leads to.
        """
        self.media.push_frame(frame)
        number = self.media.count - 1  # of this frame
        if number == 0:
            return None
        windows = self.windows
        crops = windows.push(self.media, np.array([number - 1, number]) / self.fps)
        first = number - windows.pieces.clip_len
        if first < 0 or first % windows.hop:
            return None
        (score,) = windows.score(self.media, [first], 0.0, crops)
        windows.scorer.forget(first + windows.hop)
        return score
<<<<<<< HEAD
=======


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
        if patience is not None and not patience >= 0:
            raise ValueError(f"patience must be 0 or more seconds, got {patience!r}")
        self.model = model
        self.layout = step_layout(model, pipeline)
        hop = self.layout.checked_hop(hop)
        self.hop = round(hop / self.layout.width)  # in steps
        self.windows = StreamingRecognizer(
            model, hop=hop, pipeline=pipeline, stage="steps"
        )
        self.fps = self.windows.fps
        self.sample_rate = self.windows.sample_rate
        self.step = float(self.layout.width) / self.fps
        self.start = float(self.layout.first) / self.fps
        self.events = OnlineEvents(
            model.cls_head,
            step=self.step,
            start=self.start,
            min_score=threshold,
            patience=patience,
        )
        self.reset()

    def reset(self) -> None:
        """Begin another stream; the next frame is at 0 s."""
        self.windows.reset()
        self.events.reset()
        self.number = 0  # windows so far
        self.last: tuple[Window, int] | None = None  # and its steps that were read

    @property
    def ongoing(self) -> dict[str, float]:
        """Of a causal head: how probable each class goes on at the newest step."""
        now = self.events.ongoing
        if now is None:
            return {}
        return {name: float(now[-1, label]) for label, name in self.names.items()}

    def push_sound(self, samples: np.ndarray) -> None:
        """The next samples, mono float32 ``(n,)`` in [-1, 1]."""
        self.windows.push_sound(samples)

    def push_frame(self, frame: np.ndarray) -> list[Detection]:
        """The next upright RGB frame, uint8 ``(H, W, 3)``.

        Returns:
            The events that have become known.
        """
        window = self.windows.push_frame(frame)
        if window is None:
            return []
        left = (self.layout.steps - self.hop + 1) // 2
        first = left if self.number else 0
        self.number += 1
        self.last = window, left + self.hop
        return self._read(window, first, left + self.hop)

    def finish(self) -> list[Detection]:
        """The stream has ended: the events that are left; begins another one.

        As along a file, the last frame stands still, in silence, until the last window
        is full.
        """
        media = self.windows.media
        end = media.count / self.fps
        told: list[Detection] = []
        if media.count:
            still = media.frames[-1]
            while self.number < self.windows.windows.count_to_end(end):
                told += self.push_frame(still)
            window, read = self.last
            steps = math.ceil((end - self.start) / self.step - 1e-6)
            left = max(steps, 1) - (self.number - 1) * self.hop
            if left > read:
                told += self._read(window, read, min(left, self.layout.steps))
            told += as_detections(self.events.finish(), self.names, end)
        self.reset()
        return told

    def _read(self, window: Window, first: int, stop: int) -> list[Detection]:
        """Some steps of a window through joint and head."""
        feats = on_layout(window, self.layout)
        piece = FilmSteps(
            {name: x[first:stop] for name, x in feats.items()},
            {name: bool(here.any()) for name, here in window.steps.presence.items()},
            window.start + self.start + first * self.step,
            self.step,
            math.inf,
        )
        told = self.events.push(fused_steps(self.model, piece))
        return list(as_detections(told, self.names))
>>>>>>> main
