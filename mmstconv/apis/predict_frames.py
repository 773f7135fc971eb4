"""Frames of a file that come after a given time, as a model forecasts them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from mmengine.dataset import pseudo_collate
from torch import nn

from ..evaluation.frame_samples import read_seen
from ..evaluation.frames import BASELINES, measures_of
from .frame_window import FrameWindow
from .inference import as_sample


class FrameForecast(NamedTuple):
    """Frames to come, and what they are compared with.

    Args:
        seen: Frames that the model saw, uint8 ``(C, seen, H, W)``.
        predicted: Floats in 0..1, ``(C, F, H, W)``.
        true: uint8 ``(C, M, H, W)``; M below F where the file ends before the forecast.
        seen_times: When each is shown, seconds of the file, ``(seen,)``.
        times: Of the frames to come, ``(F,)``.
        fps: Frames a second of them.
        presence: Which modalities the seen part has.
        damage: What was found broken in the file.
    """

    seen: np.ndarray
    predicted: np.ndarray
    true: np.ndarray
    seen_times: np.ndarray
    times: np.ndarray
    fps: float
    presence: dict[str, bool]
    damage: tuple[str, ...]

    def errors(self) -> dict[str, dict[str, np.ndarray]]:
        """``{forecast: {measure: (M,)}}`` of the model, of the last frame repeated and
        of flow extrapolated; empty where there are no true frames."""
        count = self.true.shape[1]
        if not count:
            return {}
        forecasts = dict(model=self.predicted[:, :count])
        for name, forecast in BASELINES.items():
            forecasts[name] = forecast(self.seen, count)
        measures = measures_of(min(self.true.shape[2:]))
        return {
            name: {key: measure(one, self.true) for key, measure in measures.items()}
            for name, one in forecasts.items()
        }


def predict_frames(
    model: nn.Module,
    path: str | os.PathLike,
    at: float,
    *,
    frames: int | None = None,
    pipeline: Sequence[Mapping] | None = None,
) -> FrameForecast:
    """Forecasts the frames of a file from a time on.

    The model sees frames, flow and sound up to that time, at the rate that it was
    trained with, and nothing of what comes then. Beyond its own length it goes on from
    what it forecast.

    Args:
        model: Of :func:`load_recognizer`, a ``FramePredictor``.
        path: The video file.
        at: When the first frame to come is shown, in seconds of the file. At its end
            there are no true frames to compare with.
        frames: How many to forecast; None: as many as the model gives at a time.
        pipeline: Instead of the config's ``test_pipeline``.

    Raises:
        FrameWindowError: ``at`` lies outside of the file, or there are not enough
            frames before it.
        ValueError: The model forecasts no frames, or the pipeline reads no files.
        FileNotFoundError: There is no such file.
        MediaError: It is no readable video; the message names it.

    Example:
        >>> forecast = predict_frames(model, "street.mp4", 12.0)
        >>> forecast.predicted.shape, forecast.errors()["model"]["psnr_range1"]
    """
    network = getattr(model, "network", None)
    if not hasattr(network, "future"):
        raise ValueError(
            f"the model is a {type(model).__name__}, which forecasts no frames: take a "
            "config with a FramePredictor (configs/prediction)"
        )
    frames = network.future if frames is None else frames
    if isinstance(frames, bool) or not isinstance(frames, int) or frames < 1:
        raise ValueError(f"frames must be a positive integer, got {frames!r}")
    window = FrameWindow.of_pipeline(pipeline or model.cfg.test_pipeline)
    count = window.true_frames(path, at, frames)
    steps, start = window.pipeline(count), at - window.seen / window.fps
    sample, compose = as_sample(model, path, steps)
    packed = compose(dict(sample, window_start=start))
    data = pseudo_collate([packed])
    with torch.inference_mode():
        ready = model.data_preprocessor(data, False)
        (found,) = model(**ready, mode="predict", future=frames)
    predicted = found.pred_frames.float().cpu().numpy()
    shape = predicted.shape
    true = np.zeros((shape[0], 0, *shape[2:]), np.uint8)
    if count:
        true = found.gt_frames.cpu().numpy()
    as_batch = dict(inputs={name: [x] for name, x in packed["inputs"].items()})
    return FrameForecast(
        read_seen(as_batch, 0, shape, os.fspath(path)),
        predicted,
        true,
        start + np.arange(window.seen) / window.fps,
        at + np.arange(frames) / window.fps,
        window.fps,
        dict(found.metainfo.get("presence", {})),
        tuple(sample["damage"]),
    )
