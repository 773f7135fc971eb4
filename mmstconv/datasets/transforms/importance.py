"""What users said of a film, on the film's steps."""

from __future__ import annotations

import numpy as np
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from ..film_steps import FilmSteps
from .checks import require
from .roles import Role

DATASET = "SummaryDataset"


@TRANSFORMS.register_module()
class LoadRatedFeatures(BaseTransform):
    """The features that TVSum's and SumMe's HDF5 brings, instead of the streams'.

    Required Keys:

        - filename, rated (of HDF5)

    Added Keys:

        - film_steps: of one modality; a step for each picked frame
        - step_count: T

    Modified Keys:

        - rated

    Args:
        modality: What they are called.
        fps: Frames a second of the videos, for the seconds of steps.

    Raises:
        ValueError: The file has no features of a video.
    """

    role = Role()

    def __init__(self, modality: str = "rgb", fps: float = 30.0) -> None:
        self.modality = modality
        self.fps = fps

    def transform(self, results: dict) -> dict:
        rated = require(results, "rated", self, DATASET)
        if rated.get("features") is None:
            raise ValueError(
                f"{results['filename']}: the annotation has no features; cache the "
                "steps of the video and take LoadFilmSteps"
            )
        picks = rated["picks"]
        step = float(np.median(np.diff(picks))) if len(picks) > 1 else 1.0
        results["film_steps"] = FilmSteps(
            {self.modality: np.asarray(rated["features"], np.float32)},
            {self.modality: True},
            float(picks[0]) / self.fps,
            step / self.fps,
            rated["n_frames"] / self.fps,
        )
        results["step_count"] = len(picks)
        results["rated"] = dict(rated, steps_are_picks=True)
        return results

    def __repr__(self) -> str:
        return f"{type(self).__name__}(modality={self.modality!r}, fps={self.fps})"


@TRANSFORMS.register_module()
class AlignImportance(BaseTransform):
    """Scores and shots of users on the film's steps.

    A step has the score of what is shown in its middle. Frames of HDF5 are taken to lie
    evenly in the film, since what a decoder gives need not be as many.

    Required Keys:

        - film_steps
        - rated

    Added Keys:

        - gt_importance: float32 ``(T,)`` in 0..1
        - change_points: first and last step (JSON) or frame (HDF5) of each shot,
          ``(S, 2)``
        - user_importance: float32 ``(U, T)``, of JSON
        - user_summary ``(U, n_frames)``, n_frames, picks ``(T,)``, of HDF5
    """

    role = Role()

    def transform(self, results: dict) -> dict:
        steps: FilmSteps = require(results, "film_steps", self, "LoadFilmSteps")
        rated = require(results, "rated", self, DATASET)
        align = of_seconds if "shots" in rated else of_frames
        results.update(align(rated, steps))
        return results

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


def of_seconds(rated: dict, steps: FilmSteps) -> dict:
    """Of shots in seconds, ``(S, 2)``, with scores ``(U, S)``."""
    middle = steps.seconds.mean(axis=1)  # (T,)
    shots = rated["shots"]
    shot = np.clip(np.searchsorted(shots[:, 1], middle, "right"), 0, len(shots) - 1)
    users = rated["users"][:, shot]  # (U, T)
    first = np.flatnonzero(np.diff(shot, prepend=-1))
    last = np.append(first[1:], len(shot)) - 1
    return dict(
        gt_importance=users.mean(axis=0),
        user_importance=users,
        change_points=np.stack([first, last], axis=1),
    )


def of_frames(rated: dict, steps: FilmSteps) -> dict:
    """Of picked frames with ``gtscore``."""
    known, frames = rated["picks"], rated["n_frames"]
    if rated.get("steps_are_picks"):
        picks, score = known, rated["gtscore"]
    else:
        begin = float(steps.seconds[0, 0])
        length = max(steps.end - begin, steps.step)
        place = (steps.seconds - begin) / length * frames  # (T, 2)
        picks = np.clip(np.round(place[:, 0]), 0, frames - 1).astype(np.int64)
        pick = np.searchsorted(known, place.mean(axis=1), "right") - 1
        score = rated["gtscore"][np.clip(pick, 0, len(known) - 1)]
    return dict(
        gt_importance=np.asarray(score, np.float32),
        user_summary=rated["user_summary"],
        change_points=rated["change_points"],
        n_frames=frames,
        picks=picks,
    )
