"""Importance, and what users said, of data samples as plain arrays."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .sample_fields import as_numbers, name_of, required
from .summary import RatedVideo
from .summary.shots import checked_shots

WHOSE = "SummaryMetric"
ADVICE = "the head must be one that rates steps (model.cls_head)"


def read_importance(sample: Mapping) -> dict[str, np.ndarray]:
    """``{'pred_importance': (T,)}`` and, of each subset, ``{subset: (T,)}``.

    Raises:
        ValueError: There is none, or it is not ``(T,)`` finite numbers.
    """
    whole = required(sample, "pred_importance", WHOSE, ADVICE)
    found = dict(pred_importance=whole, **(sample.get("subset_importance") or {}))
    found = {name: as_numbers(one) for name, one in found.items()}
    expected = found["pred_importance"].reshape(-1).shape
    for name, one in found.items():
        if one.shape != expected or not np.isfinite(one).all():
            raise ValueError(
                f"{WHOSE}: {name_of(sample)}: importance {name!r} of shape "
                f"{one.shape}, expected {expected} finite numbers"
            )
    return found


def read_rated_video(sample: Mapping, steps: int) -> RatedVideo | None:
    """What users said of a video; None if nobody said anything.

    Args:
        sample: With the fields of ``SummaryMetric``.
        steps: How many were predicted.

    Raises:
        ValueError: Something is not of its shape; or frames are missing.
    """
    where = f"{WHOSE}: {name_of(sample)}"
    names = ("user_summary", "user_importance", "change_points", "picks")
    given = {name: _numbers(sample.get(name)) for name in names}
    users, chosen = given["user_importance"], given["user_summary"]
    if users is None and chosen is None and sample.get("gt_importance") is not None:
        users = _numbers(sample["gt_importance"])[None]
    if users is None and chosen is None:
        return None
    picks, n_frames = given["picks"], sample.get("n_frames")
    if (picks is None) != (n_frames is None):
        raise ValueError(f"{where}: picks and n_frames need each other")
    if picks is None:
        if chosen is not None and chosen.shape[-1] != steps:
            raise ValueError(
                f"{where}: user_summary of {chosen.shape[-1]} frames for {steps} steps "
                "needs picks and n_frames"
            )
        picks, n_frames = np.arange(steps), steps
    if len(picks) not in (steps, steps + 1):
        raise ValueError(
            f"{where}: {steps} steps were predicted, but {len(picks)} frames are picked"
        )
    if users is not None and users.shape[1:] != (steps,):
        raise ValueError(
            f"{where}: user_importance of shape {users.shape}, expected "
            f"(users, {steps})"
        )
    if chosen is not None and chosen.ndim != 2:
        raise ValueError(
            f"{where}: user_summary of shape {chosen.shape}, expected (users, n_frames)"
        )
    shots = given["change_points"]
    try:
        shots = None if shots is None else checked_shots(shots)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error
    return RatedVideo(int(n_frames), picks.astype(np.int64), shots, chosen, users)


def _numbers(values: object) -> np.ndarray | None:
    return None if values is None else as_numbers(values)
