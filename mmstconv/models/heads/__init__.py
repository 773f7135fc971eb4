from .fusion_head import TriModalFusionHead

__all__ = ["TriModalFusionHead"]
