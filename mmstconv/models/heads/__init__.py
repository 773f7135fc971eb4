"""Tasks, one a file: from what the joint gives to losses and predictions."""

from .event_head import TemporalEventHead
from .fusion_head import TriModalFusionHead
from .label_kinds import multi_class_of, probabilities
from .spotting_head import TemporalSpottingHead

__all__ = [
    "TemporalEventHead",
    "TemporalSpottingHead",
    "TriModalFusionHead",
    "multi_class_of",
    "probabilities",
]
