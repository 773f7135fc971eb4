"""A recognizer on windows of one long input: what files and cameras have in common."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from mmaction.structures import ActionDataSample
from torch import Tensor, nn

from ..datasets.pieces import PiecePipeline
from ..models.joint import Fused, Steps
from ..models.streaming import WindowScorer
from .tasks import require_streams

STAGES = ("predict", "steps")


class Window(NamedTuple):
    """What one window shows.

    Args:
        start: Of the window, in seconds.
        end: Of the window.
        sample: The data sample that a head has written its prediction into, on the
            CPU; None if steps alone were asked for.
        steps: Fused features of the window, ``(M, T, D)`` of M crops, on the CPU; None
            if the prediction was asked for.
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


class Windows:
    """A pipeline, a recognizer and its preprocessor on windows of ``hop``.

    Args:
        model: The recognizer.
        pipeline: Of clips; None: the config's ``test_pipeline``.
        hop: Frames from one window to the next; None: a quarter of one.
        stage: ``'predict'`` or ``'steps'``.
        head: With ``'steps'``: of the model's, one that predicts of each window, too.

    Raises:
        ValueError: The model is no ``TriModalRecognizer``, or an argument does not fit.
    """

    def __init__(
        self,
        model: nn.Module,
        pipeline: Sequence[Mapping] | None,
        hop: int | None,
        stage: str,
        head: nn.Module | None = None,
    ) -> None:
        if stage not in STAGES:
            raise ValueError(f"stage is {stage!r}, must be one of {STAGES}")
        require_streams(model)
        self.model = model
        self.stage = stage
        self.head = head
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

    def count_to_end(self, seconds: float) -> int:
        """How many windows until the steps of the last one reach the end."""
        left = seconds * self.pieces.fps - self.pieces.clip_len + self.scorer.margin
        return max(math.ceil(left / self.hop - 1e-6), 0) + 1

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
        yield from self.read(
            fused, spans, [self._sample(media, span, presence) for span in spans]
        )

    @torch.no_grad()
    def read(
        self, fused: Fused, spans: Sequence[tuple[float, float]], samples: Sequence
    ) -> list[Window]:
        """What was asked for of windows, a sample each."""
        steps = [None] * len(spans)
        head = self.model.cls_head if self.stage == "predict" else self.head
        if self.stage == "steps":
            steps = steps_of_samples(fused.as_steps(), len(spans))
        if head is None:
            samples = [None] * len(spans)
        else:
            with torch.inference_mode():
                samples = [one.cpu() for one in head.predict(fused, samples)]
        return [Window(*span, *found) for span, *found in zip(spans, samples, steps)]

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
            steps.aligned and {n: part(x, row) for n, x in steps.aligned.items()},
        )


def window_count(extent: tuple[float, float], duration: float, step: float) -> int:
    """How many windows of ``duration``, each ``step`` later, lie within ``extent``."""
    room = extent[1] - extent[0] - duration
    return math.floor(room / step + 1e-6) + 1 if room > -1e-9 else 0
