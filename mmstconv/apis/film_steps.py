"""What the streams say all along a video, stitched from its windows."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import torch
from mmengine.dataset import pseudo_collate
from torch import Tensor, nn

from ..datasets.film_steps import FilmSteps, join_film_steps
from ..models.joint import Features
from ..models.layers import align_edges
from .inference import as_sample
from .long_video import score_windows
from .windows import Window, Windows

FINEST = 1000  # parts of a frame that steps may begin at


class StepLayout(NamedTuple):
    """Where the common steps of a model lie in its windows, in frames.

    Args:
        steps: Of a window, T.
        first: Where the first begins.
        width: Of a step.
        frames: Of a window.
        fps: Frames per second.
        unit: Windows can be stitched whose distance is a multiple of it.
    """

    steps: int
    first: Fraction
    width: Fraction
    frames: int
    fps: float
    unit: int

    def edges(self) -> Tensor:
        """Edges of the steps in seconds from the start of the window, ``(T + 1,)``."""
        steps = torch.arange(self.steps + 1, dtype=torch.float32)
        return (steps * float(self.width) + float(self.first)) / self.fps

    @property
    def largest_hop(self) -> int:
        """Frames; with more, there would be gaps between the steps of two windows."""
        return math.floor(self.steps * self.width / self.unit) * self.unit

    def checked_hop(self, hop: int | None) -> int:
        """Frames from one window to the next; about half a window if None.

        Raises:
            ValueError: With ``hop`` the steps would not lie on one grid; names fitting
                values.
        """
        fitting = range(self.unit, self.largest_hop + 1, self.unit)
        if not fitting:
            raise ValueError(
                f"{self.steps} steps of {float(self.width):g} frames in windows of "
                f"{self.frames} frames cannot be stitched onto one grid: give the "
                "joint another number of steps"
            )
        if hop is None:
            near = round(self.frames / 2 / self.unit) * self.unit
            return min(max(near, self.unit), fitting[-1])
        if hop not in fitting:
            named = ", ".join(map(str, fitting[:8])) + ", ..." * (len(fitting) > 8)
            raise ValueError(
                f"hop must be whole steps of {float(self.width):g} frames, without "
                f"gaps between windows: {named}; got {hop!r}"
            )
        return hop


def film_steps(
    model: nn.Module,
    path: str | os.PathLike,
    hop: int | None = None,
    *,
    pipeline: Sequence[Mapping] | None = None,
    layout: StepLayout | None = None,
    head: nn.Module | None = None,
    watch: Callable[[Window], None] = lambda window: None,
) -> Iterator[FilmSteps]:
    """What the streams say along a video, piece by piece, on one uniform grid.

    The features of each stream on the joint's common steps, before they are fused. Each
    step is taken from the window of :func:`score_video` in whose middle it lies best;
    the first and the last window give their outer parts, too. The last one runs past
    the end of the video; steps that begin after it are dropped. Several crops are
    averaged. Memory does not grow.

    All videos have the same grid: what a video lacks does not change where the steps
    lie, unlike in a batch of clips, whose steps are those of the streams that ran.

    Args:
        model: Of :func:`load_recognizer`, with any head.
        path: The video file.
        hop: Frames from one window to the next, whole steps; half a window, rounded,
            if None.
        pipeline: Instead of the config's ``test_pipeline``.
        layout: Of :func:`step_layout`, if it is known.
        head: Of the model's, one that predicts of each window, too.
        watch: Told each window, with the head's prediction.

    Returns:
        Pieces that follow each other; :func:`extract_film_steps` joins them.

    Raises:
        ValueError: ``hop`` or the pipeline does not fit the model.
        FileNotFoundError: There is no such file.
        MediaError: It is no readable video; the message names it.
    """
    layout = layout or step_layout(model, pipeline)
    hop = layout.checked_hop(hop)
    windows = Windows(model, pipeline, hop, "steps", head)
    path = os.fspath(path)
    with windows.pieces.open(path) as media:
        start, end = media.extent
    scored = _watched(score_windows(windows, path, to_end=True), watch)
    return _stitched(scored, layout, round(hop / layout.width), start, end)


def extract_film_steps(
    model: nn.Module,
    path: str | os.PathLike,
    hop: int | None = None,
    **options,
) -> FilmSteps:
    """All pieces of :func:`film_steps` as one, with its arguments."""
    return join_film_steps(film_steps(model, path, hop, **options))


def as_features(model: nn.Module, steps: FilmSteps) -> Features:
    """What the joint reads of steps of a film, one row, on the model's device."""
    device = next(model.parameters()).device
    edges = torch.tensor([[steps.start, steps.start + steps.count * steps.step]])
    return Features(
        {name: torch.from_numpy(x)[None].to(device) for name, x in steps.feats.items()},
        {name: torch.tensor([here]) for name, here in steps.presence.items()},
        window=edges.to(device),
        common=True,
    )


@torch.inference_mode()
def step_layout(
    model: nn.Module, pipeline: Sequence[Mapping] | None = None
) -> StepLayout:
    """Where the common steps lie in a window, found by a black and silent one.

    Args:
        model: Of :func:`load_recognizer`.
        pipeline: Instead of the config's ``test_pipeline``.

    Raises:
        ValueError: The joint fuses maps, or the pipeline does not fit the model.
    """
    windows = Windows(model, pipeline, None, "steps")
    pieces = windows.pieces
    sample, steps = as_sample(model, "", windows.pipeline)
    data = pseudo_collate([steps(dict(sample, failure="no file"))])
    data = model.data_preprocessor(data, False)
    for one in data["data_samples"]:
        one.set_metainfo(dict(clip_starts=[0.0], clip_duration=pieces.duration))
    rows = next(iter(data["inputs"].values())).shape[1]
    presence = {name: torch.ones(rows, dtype=torch.bool) for name in model.streams}
    found = model(**data, mode="tensor", stage="steps", presence=presence)
    if found.aligned is None:
        raise ValueError(
            "the joint's operator fuses maps: there are no steps of each stream"
        )
    edges = found.seconds[0].double() * pieces.fps  # (T, 2)
    first, width = (
        Fraction(float(value)).limit_denominator(FINEST)
        for value in (edges[0, 0], (edges[-1, 1] - edges[0, 0]) / len(edges))
    )
    unit = math.lcm(width.numerator, windows.scorer.stride)
    count = found.fused.shape[1]
    return StepLayout(count, first, width, pieces.clip_len, pieces.fps, unit)


def _watched(
    windows: Iterator[Window], watch: Callable[[Window], None]
) -> Iterator[Window]:
    for window in windows:
        watch(window)
        yield window


def _stitched(
    windows: Iterator[Window], layout: StepLayout, hop: int, start: float, end: float
) -> Iterator[FilmSteps]:
    """Pieces of the windows, in order; ``hop`` in steps."""
    step = float(layout.width) / layout.fps
    origin = start + float(layout.first) / layout.fps
    count = max(math.ceil((end - origin) / step - 1e-6), 1)  # steps of the video
    left = (layout.steps - hop + 1) // 2  # of a window: nearer to the one before
    number, window = 0, next(windows)
    while window is not None:
        following = next(windows, None)
        first = left if number else 0
        stop = layout.steps if following is None else left + hop
        stop = min(stop, count - number * hop)
        if stop > first:
            feats = on_layout(window, layout)
            yield FilmSteps(
                # copies, as views would keep all of the window in memory
                {name: x[first:stop].copy() for name, x in feats.items()},
                {n: bool(here.any()) for n, here in window.steps.presence.items()},
                origin + (number * hop + first) * step,
                step,
                end,
            )
        number, window = number + 1, following


def on_layout(window: Window, layout: StepLayout) -> dict[str, np.ndarray]:
    """``{modality: (T, D_m)}`` of a window, averaged over its crops.

    Where streams did not run, the window may have other steps than the layout.
    """
    found, wanted = window.steps, layout.edges()
    feats = {name: x.mean(0) for name, x in found.aligned.items()}
    count = found.fused.shape[1]
    if found.seconds is not None:
        seconds = found.seconds[0] - window.start  # (T', 2)
        own = torch.cat([seconds[:, 0], seconds[-1:, 1]]).float()
    elif count == layout.steps:
        own = wanted
    else:
        own = torch.linspace(0, layout.frames / layout.fps, count + 1)
    if not (len(own) == len(wanted) and torch.allclose(own, wanted, atol=1e-3)):
        feats = {n: align_edges(x[None], own, wanted)[0] for n, x in feats.items()}
    return {name: x.float().numpy() for name, x in feats.items()}
