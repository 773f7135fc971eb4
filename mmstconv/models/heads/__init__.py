from .fusion_head import TriModalFusionHead
from .label_kinds import kind_of, probabilities

__all__ = ["TriModalFusionHead", "kind_of", "probabilities"]
