"""Tasks, one a file: from what the joint gives to losses and predictions."""

from .event_head import TemporalEventHead
from .fusion_head import TriModalFusionHead
from .label_kinds import multi_class_of, probabilities

__all__ = ["TemporalEventHead", "TriModalFusionHead", "multi_class_of", "probabilities"]
