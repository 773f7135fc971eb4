"""What the streams say of a camera, on the grid of a film."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from torch import nn

from ..datasets.film_steps import FilmSteps
from .camera import StreamingRecognizer
from .film_steps import on_layout, step_layout
from .windows import Window


class StreamingSteps:
    """The steps of :func:`film_steps`, of a camera.

    Frames and sound are pushed as to a :class:`StreamingRecognizer`. Each step is taken
    from the window in whose middle it lies best, so it is known half a window after it.
    A camera gives what a file of the same frames and the same sound gives.

    Args:
        model: Of :func:`load_recognizer`.
        hop: Frames from one window to the next, whole steps; half a window, rounded,
            if None. The fewer, the sooner steps are known.
        pipeline: Instead of the config's ``test_pipeline``.

    Raises:
        ValueError: As of :func:`film_steps` and :class:`StreamingRecognizer`.
    """

    def __init__(
        self,
        model: nn.Module,
        *,
        hop: int | None = None,
        pipeline: Sequence[Mapping] | None = None,
    ) -> None:
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
        self.reset()

    def reset(self) -> None:
        """Begin another stream; the next frame is at 0 s."""
        self.windows.reset()
        self.number = 0  # windows so far
        self.last: tuple[Window, int] | None = None  # and its steps that were read

    @property
    def seconds(self) -> float:
        """Up to when frames have come."""
        return self.windows.media.count / self.fps

    def push_sound(self, samples: np.ndarray) -> None:
        """The next samples, mono float32 ``(n,)`` in [-1, 1]."""
        self.windows.push_sound(samples)

    def push_frame(self, frame: np.ndarray) -> FilmSteps | None:
        """The next upright RGB frame, uint8 ``(H, W, 3)``; gives the next steps."""
        window = self.windows.push_frame(frame)
        if window is None:
            return None
        left = (self.layout.steps - self.hop + 1) // 2
        first = left if self.number else 0
        self.number += 1
        self.last = window, left + self.hop
        return self._piece(window, first, left + self.hop)

    def finish(self) -> Iterator[FilmSteps]:
        """The stream has ended: the steps that are left; begins another one.

        As along a file, the last frame stands still, in silence, until the last window
        is full.
        """
        media, end = self.windows.media, self.seconds
        if media.count:
            still = media.frames[-1]
            while self.number < self.windows.windows.count_to_end(end):
                piece = self.push_frame(still)
                if piece is not None:
                    yield piece
            window, read = self.last
            steps = math.ceil((end - self.start) / self.step - 1e-6)
            left = max(steps, 1) - (self.number - 1) * self.hop
            if left > read:
                yield self._piece(window, read, min(left, self.layout.steps))
        self.reset()

    def _piece(self, window: Window, first: int, stop: int) -> FilmSteps:
        """Some steps of a window; when the film ends is not known."""
        feats = on_layout(window, self.layout)
        return FilmSteps(
            {name: x[first:stop] for name, x in feats.items()},
            {name: bool(here.any()) for name, here in window.steps.presence.items()},
            window.start + self.start + first * self.step,
            self.step,
            math.inf,
        )
