"""Measures of video summaries, as functions of NumPy arrays."""

from .agreement import PROTOCOLS, f1_of_users, over_users
from .correlation import Correlation, rank_correlations
from .knapsack import knapsack
from .shots import Summary, frame_scores, shot_scores, summarize
from .video import RatedVideo, random_f1

__all__ = [
    "PROTOCOLS",
    "Correlation",
    "RatedVideo",
    "Summary",
    "f1_of_users",
    "frame_scores",
    "knapsack",
    "over_users",
    "random_f1",
    "rank_correlations",
    "shot_scores",
    "summarize",
]
