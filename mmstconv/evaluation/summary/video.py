"""A video with what users said of it, and how a summary of it is judged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .agreement import f1_of_users, over_users
from .correlation import Correlation, rank_correlations
from .shots import SHARE, Summary, summarize


class RatedVideo(NamedTuple):
    """What users said of one video.

    Args:
        n_frames: By its annotation.
        picks: Frames that have scores, ``(T,)``.
        change_points: First and last frame of each shot, ``(S, 2)``. None: no shots
            are known, and nothing but correlations can be had.
        user_summary: Frames that each user has chosen, ``(U, n_frames)``. None: what
            ``user_importance`` makes of the shots.
        user_importance: By each user, ``(U, T)``. None: ``user_summary`` at the picks.
    """

    n_frames: int
    picks: np.ndarray
    change_points: np.ndarray | None = None
    user_summary: np.ndarray | None = None
    user_importance: np.ndarray | None = None

    def summarize(self, scores: Sequence[float], share: float = SHARE) -> Summary:
        """What scores ``(T,)`` choose; see :func:`~.shots.summarize`."""
        return summarize(scores, self.change_points, self.n_frames, self.picks, share)

    def users_summaries(self, share: float = SHARE) -> np.ndarray:
        """``(U, n)`` frames."""
        if self.user_summary is not None:
            return self.user_summary
        return np.stack(
            [self.summarize(one, share).frames for one in self.user_importance]
        )

    def f1(self, scores: Sequence[float], protocol: str, share: float = SHARE) -> float:
        """Agreement of the summary that scores ``(T,)`` make with those of users."""
        values = f1_of_users(
            self.summarize(scores, share).frames, self.users_summaries(share)
        )
        return over_users(values, protocol)

    def correlations(self, scores: Sequence[float]) -> Correlation:
        """Of scores ``(T,)`` with the users' importance, or choice, of the picks."""
        users = self.user_importance
        if users is None:
            users = np.zeros((len(self.user_summary), len(scores)))
            picks = self.picks[: len(scores)]
            there = picks < self.user_summary.shape[1]
            users[:, there] = self.user_summary[:, picks[there]] > 0
        return rank_correlations(scores, users)


def random_f1(
    video: RatedVideo,
    protocol: str,
    share: float = SHARE,
    draws: int = 100,
    seed: int | Sequence[int] = 0,
) -> float:
    """The expected agreement of scores that are drawn by lot, uniform in 0 to 1.

    Otani et al. 2019: it is near that of people, so no F1 says anything without it.
    The rank correlations of such scores are 0 on average.

    Args:
        video: What users said.
        protocol: ``tvsum`` or ``summe``.
        share: Of the length.
        draws: How many are averaged.
        seed: Of the numbers drawn.
    """
    generator = np.random.default_rng(seed)
    users = video.users_summaries(share)
    values = [
        over_users(f1_of_users(video.summarize(scores, share).frames, users), protocol)
        for scores in generator.random((draws, len(video.picks)))
    ]
    return float(np.mean(values))
