"""A copy of a video with what a model says of it drawn below."""

from __future__ import annotations

import os
from pathlib import Path

from torch import nn

from ..media.remote import open_at, source_at
from ..media.writing.redrawing import redraw_media
from ..visualization.prediction_panel import Moment, PredictionPanel
from .inference import class_names, class_probabilities
from .long_video import score_video
from .predictions import Prediction

MOST_CLASSES = 5


def write_predicted_video(
    model: nn.Module,
    path: str | os.PathLike,
    prediction: Prediction,
    target: str | os.PathLike,
) -> Path:
    """Write a copy of a video with its classes, each modality's share, and a timeline.

    The timeline has the same classes in windows along the video. The sound is copied.

    Args:
        model: Of :func:`load_recognizer`.
        path: The video file.
        prediction: Of :func:`predict_videos`.
        target: The file to write, without suffix.

    Returns:
        The file written, ``.mp4`` or ``.mkv``.

    Raises:
        MediaError: The file cannot be read; the message names it.
        ForeignFile: There is a target that was not written here.
    """
    shown = dict(list(prediction.scores.items())[:MOST_CLASSES])
    first = next(iter(shown), None)
    with open_at(path) as media:
        extent = media.extent
    panel = PredictionPanel(
        shown,
        {name: said[first] for name, said in prediction.streams.items() if first},
        prediction.presence,
        _moments(model, path, shown),
        extent,
    )
    return redraw_media(source_at(path), target, panel)


def _moments(model: nn.Module, path, shown: dict) -> list[Moment]:
    if not hasattr(model, "streams"):
        return []
    names = class_names(model)
    places = {name: names.index(name) for name in shown}
    moments = []
    for window in score_video(model, path):
        shares = class_probabilities(model, window.scores).tolist()
        scores = {name: shares[place] for name, place in places.items()}
        moments.append(Moment(window.start, window.end, scores))
    return moments
