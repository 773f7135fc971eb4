from .concat import ConcatFusion

__all__ = ["ConcatFusion"]
