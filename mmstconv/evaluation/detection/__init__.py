"""Measures of detected events, as functions of NumPy arrays."""

from .average_precision import AveragePrecision, average_precision
from .average_recall import AverageRecall, average_recall
from .events import Events, join_events
from .overlap import temporal_iou
from .protocols import SPOTTING_TOLERANCES, TIOU_THRESHOLDS, thresholds_of
from .soccernet import soccernet_average_precision
from .spotting import spotting_average_precision

__all__ = [
    "SPOTTING_TOLERANCES",
    "TIOU_THRESHOLDS",
    "AveragePrecision",
    "AverageRecall",
    "Events",
    "average_precision",
    "average_recall",
    "join_events",
    "soccernet_average_precision",
    "spotting_average_precision",
    "temporal_iou",
    "thresholds_of",
]
