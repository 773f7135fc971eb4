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
