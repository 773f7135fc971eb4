"""From importance of steps to the shots of a summary (Zhang et al. 2016)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .knapsack import knapsack

#: Of the length of a video, the usual length of its summary.
SHARE = 0.15


class Summary(NamedTuple):
    """What of a video is shown.

    Args:
        shots: Places of the chosen shots, in order of time.
        frames: Which frames are shown, ``(last frame of the last shot + 1,)`` bool.
    """

    shots: list[int]
    frames: np.ndarray


def frame_scores(
    scores: Sequence[float], picks: Sequence[int], n_frames: int
) -> np.ndarray:
    """Importance of every frame: that of the last picked frame up to it.

    Frames before the first pick, and those of a pick without a score (a last pick that
    is the number of frames has none), have 0. Picks beyond the frames say nothing.

    Args:
        scores: Of the picked frames, ``(T,)``; or of all but the last.
        picks: Frames that were looked at, ``(T,)``, rising.
        n_frames: Of the video, by its annotation. A decoder may give another number.

    Returns:
        ``(n_frames,)``.

    Raises:
        ValueError: The numbers of scores and picks do not go together, or picks do not
            rise.
    """
    scores = np.asarray(scores, np.float64).reshape(-1)
    picks = np.asarray(picks, np.int64).reshape(-1)
    if len(scores) not in (len(picks), len(picks) - 1):
        raise ValueError(
            f"{len(scores)} scores for {len(picks)} picks: expected one score a pick"
        )
    if (np.diff(picks) < 0).any():
        raise ValueError("picks do not rise")
    padded = np.concatenate([[0.0], scores, [0.0] * (len(picks) - len(scores))])
    return padded[np.searchsorted(picks, np.arange(n_frames), side="right")]


def shot_scores(frames: np.ndarray, change_points: np.ndarray) -> np.ndarray:
    """The mean importance of each shot, not the sum; of no frame 0.

    Args:
        frames: Importance of each, ``(n_frames,)``.
        change_points: First and last frame of each shot, both belong to it, ``(S, 2)``.

    Returns:
        ``(S,)``.
    """
    parts = [frames[first : last + 1] for first, last in change_points]
    return np.array([part.mean() if part.size else 0.0 for part in parts])


def summarize(
    scores: Sequence[float],
    change_points: Sequence[Sequence[int]],
    n_frames: int,
    picks: Sequence[int],
    share: float = SHARE,
    base: int | None = None,
) -> Summary:
    """The shots with the largest sum of mean importances that fit into the share.

    As the protocol of TVSum and SumMe: pytorch-vsumm-reinforce's ``generate_summary``
    with ``base=n_frames``, PGL-SUM's without.

    Args:
        scores: Importance of the picked frames, ``(T,)``.
        change_points: First and last frame of each shot, both belong to it, ``(S, 2)``.
        n_frames: Of the video.
        picks: Frames that have scores, ``(T,)``.
        share: Of the base, at most so many frames are shown, rounded down.
        base: A number of frames. None: up to the end of the last shot.

    Raises:
        ValueError: As of :func:`frame_scores`, or shots do not follow each other.
    """
    shots = checked_shots(change_points)
    base = int(shots[-1, 1]) + 1 if base is None else base
    values = shot_scores(frame_scores(scores, picks, n_frames), shots)
    lengths = shots[:, 1] - shots[:, 0] + 1
    room = math.floor(base * share + 1e-9)  # 0.29 of 100 are 29, not 28
    chosen = knapsack(values, lengths, room)
    shown = np.zeros(shots[-1, 1] + 1, bool)
    for first, last in shots[chosen]:
        shown[first : last + 1] = True
    return Summary(chosen, shown)


def checked_shots(change_points: Sequence[Sequence[int]]) -> np.ndarray:
    """Change points as ``(S, 2)`` whole numbers.

    Raises:
        ValueError: They are not of this shape, or do not follow each other.
    """
    shots = np.asarray(change_points)
    if shots.ndim != 2 or shots.shape[1] != 2 or not len(shots):
        raise ValueError(
            f"change_points of shape {shots.shape}, expected (shots, 2): first and "
            "last frame of each shot"
        )
    shots = shots.astype(np.int64)
    edges = shots.reshape(-1)
    if (
        edges[0] < 0
        or (shots[:, 1] < shots[:, 0]).any()
        or (shots[1:, 0] <= shots[:-1, 1]).any()
    ):
        raise ValueError(
            "change_points do not follow each other: both frames of a pair belong to "
            f"the shot, got {shots[:5].tolist()} ..."
        )
    return shots
