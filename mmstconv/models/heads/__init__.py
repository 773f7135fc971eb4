"""Tasks, one a file: from what the joint gives to losses and predictions."""

from .fusion_head import TriModalFusionHead
from .label_kinds import multi_class_of, probabilities

__all__ = ["TriModalFusionHead", "multi_class_of", "probabilities"]
