from .trunk import StreamedTrunk

__all__ = ["StreamedTrunk"]
