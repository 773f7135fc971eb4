"""Scores all along a long video, and of a camera, at the price of reading it once."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from mmaction.structures import ActionDataSample
from torch import Tensor, nn

from ..datasets.pieces import PiecePipeline
from ..media.reading.pushed import PushedMedia
from ..media.reading.sequential import SequentialMedia
from ..models.joint import Steps
from ..models.streaming import WindowScorer
from .inference import extract_steps, predict_video

# Frames that go through the trunks at a time: enough for products of a good size, few
# enough for memory that does not count.
PIECE = 64
STAGES = ("predict", "steps")


class Window(NamedTuple):
    """What one window shows.

    Args:
        start: Of the window, in seconds.
        end: Of the window.
        sample: The data sample that the head has written its prediction into, on the
            CPU; None if steps were asked for.
        steps: Fused features of the window, ``(M, T, D)`` of M crops, on the CPU; None
            if the head's prediction was asked for.
    """

    start: float
    end: float
    sample: ActionDataSample | None = None
    steps: Steps | None = None

    @property
    def scores(self) -> Tensor:
        """Of a classification head, ``(num_classes,)``: probabilities, or logits with
        ``average_clips='score'`` (``class_probabilities`` takes both)."""
        return self.sample.pred_score


class _Windows:
    """A pipeline, a recognizer and its preprocessor on windows of ``hop``."""

    def __init__(
        self,
        model: nn.Module,
        pipeline: Sequence[Mapping] | None,
        hop: int | None,
        stage: str,
    ) -> None:
        if stage not in STAGES:
            raise ValueError(f"stage is {stage!r}, must be one of {STAGES}")
        self.model = model
        self.stage = stage
        self.pipeline = model.cfg.test_pipeline if pipeline is None else pipeline
        self.pieces = PiecePipeline(self.pipeline)
        self.scorer = WindowScorer(model, self.pieces.clip_len, self.pieces.visual)
        self.visual = [name for name in model.streams if name in self.pieces.visual]
        self.windowed = [n for n in model.streams if n in self.pieces.windowed]
        missing = sorted(set(model.streams) - set(self.pieces.modalities))
        if missing:
            raise ValueError(
                f"the model has streams for {missing}, the pipeline formats "
                f"{list(self.pieces.modalities)}"
            )
        stride = self.scorer.stride
        if hop is None:
            hop = max(self.pieces.clip_len // 4 // stride, 1) * stride
        if not isinstance(hop, int) or hop < 1 or hop % stride:
            raise ValueError(
                f"hop must be a multiple of {stride} frames, the stride of the model "
                f"over time, got {hop}"
            )
        self.hop = hop

    def prepared(self, inputs: Mapping[str, np.ndarray]) -> dict[str, Tensor]:
        """``{modality: (M, ...)}`` normalised, on the model's device."""
        tensors = {name: [torch.from_numpy(x)] for name, x in inputs.items()}
        data = dict(inputs=tensors, data_samples=[ActionDataSample()])
        data = self.model.data_preprocessor(data)
        return {name: x[0] for name, x in data["inputs"].items()}

    def push(self, media, times: Sequence[float]) -> int:
        """Frames through the trunks; the number of crops."""
        inputs, _ = self.pieces.frames(media, times)
        inputs = {name: inputs[name] for name in self.visual}
        self.scorer.push(self.prepared(inputs))
        return len(inputs[self.visual[0]])

    def score(
        self, media, windows: Sequence[int], start: float, crops: int
    ) -> Iterator[Window]:
        """Windows by the number of their first frame."""
        fps, inputs = self.pieces.fps, {}
        starts = [start + first / fps for first in windows]
        spans = [(begin, begin + self.pieces.duration) for begin in starts]
        presence = dict.fromkeys(self.visual, media.has_video)
        if self.windowed:
            found, has = self.pieces.windows(media, starts)
            presence.update((name, has[name]) for name in self.windowed)
            here = [name for name in self.windowed if has[name]]
            inputs = self.prepared({name: found[name] for name in here})
        fused = self.scorer.fuse(windows, inputs, presence, crops, spans)
        if self.stage == "steps":
            steps = steps_of_samples(fused.as_steps(), len(windows))
            yield from (Window(*span, steps=one) for span, one in zip(spans, steps))
            return
        samples = [self._sample(media, span, presence) for span in spans]
        samples = self.scorer.predict(fused, samples)
        yield from (Window(*span, one.cpu()) for span, one in zip(spans, samples))

    def _sample(self, media, span: tuple[float, float], presence: Mapping) -> object:
        """A data sample as the pipeline makes it of a clip at that time."""
        begin, end = span
        return ActionDataSample(
            metainfo=dict(
                filename=media.path,
                presence=dict(presence),
                clip_starts=np.array([begin]),
                clip_duration=end - begin,
            )
        )


def steps_of_samples(steps: Steps, samples: int) -> Iterator[Steps]:
    """The steps of each of N samples, ``(M, T, D)`` of its M clips, on the CPU."""

    def part(value: Tensor | None, sample: int) -> Tensor | None:
        if value is None:
            return None
        return value.unflatten(0, (samples, -1))[sample].cpu()

    for row in range(samples):
        yield Steps(
            part(steps.fused, row),
            {name: part(here, row) for name, here in steps.presence.items()},
            part(steps.valid, row),
            part(steps.seconds, row),
        )


def window_count(extent: tuple[float, float], duration: float, step: float) -> int:
    """How many windows of ``duration``, each ``step`` later, lie within ``extent``."""
    room = extent[1] - extent[0] - duration
    return math.floor(room / step + 1e-6) + 1 if room > -1e-9 else 0


def score_video(
    model: nn.Module,
    path: str | os.PathLike,
    *,
    hop: int | None = None,
    skip: int = 0,
    pipeline: Sequence[Mapping] | None = None,
    stage: str = "predict",
) -> Iterator[Window]:
    """What a model says of overlapping windows, one after another, with any head.

    Memory does not grow.

    Window w begins ``w * hop`` frames after the start of the video and is what the test
    pipeline makes of a clip that starts there. Every frame is decoded, resized and
    cropped once, flow is derived once, sound is decoded once. Streams whose
    ``STConvNet`` has ``temporal_padding=False`` also compute every feature once; others
    run on each window. Either way the scores are those of each window by itself.

    A part at the end that is shorter than ``hop`` is in no window. A video shorter than
    one window is scored once, as :func:`predict_video` does. A modality that the file
    lacks is absent.

    Args:
        model: Of :func:`load_recognizer`.
        path: The video file.
        hop: Frames (of the pipeline's rate) from one window to the next, a multiple of
            the model's stride over time; a quarter of the window if None.
        skip: So many windows at the beginning are not wanted: what is known already.
        pipeline: Instead of the config's ``test_pipeline``.
        stage: ``'predict'``: the head's prediction; ``'steps'``: the fused features
            over time that heads of other tasks read, and the head does not run.

    Yields:
        A :class:`Window` for each window.

    Raises:
        ValueError: ``hop`` or the pipeline does not fit the model.
        FileNotFoundError: There is no such file.
        MediaError: It is no readable video; the message names it.

    Example:
        >>> for window in score_video(model, "match.mp4"):
        ...     print(f"{window.start:.2f} s: class {window.scores.argmax()}")
    """
    windows = _Windows(model, pipeline, hop, stage)
    return _score_video(windows, model, os.fspath(path), skip)


def _score_video(
    windows: _Windows, model: nn.Module, path: str, skip: int
) -> Iterator[Window]:
    pieces, hop = windows.pieces, windows.hop
    with pieces.open(path) as media:
        start, end = media.extent
        has_video = media.has_video
    count = window_count((start, end), pieces.duration, hop / pieces.fps)
    if count == 0 and skip == 0:
        if windows.stage == "steps":
            yield Window(start, end, steps=extract_steps(model, path, windows.pipeline))
        else:
            whole = predict_video(model, path, pipeline=windows.pipeline)
            yield Window(start, end, whole.cpu())
    if skip >= count:
        return
    start += skip * hop / pieces.fps
    count -= skip
    frames = (count - 1) * hop + pieces.clip_len
    times = pieces.times(start, frames)
    crops, pushed, scored = 1, 0, 0
    with SequentialMedia(lambda: pieces.open(path), times) as media:
        while scored < count:
            if has_video and windows.visual and pushed < frames:
                piece = min(PIECE, frames - pushed)
                crops = windows.push(media, times[pushed : pushed + piece + 1])
                pushed += piece
            else:
                pushed = min(pushed + PIECE, frames)
            complete = (pushed - pieces.clip_len) // hop + 1
            if complete > scored:
                firsts = [window * hop for window in range(scored, complete)]
                yield from windows.score(media, firsts, start, crops)
                scored = complete
                windows.scorer.forget(scored * hop)


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
        self.windows = _Windows(model, pipeline, hop, stage)
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
        self.media.push_sound(np.asarray(samples, np.float32))

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
