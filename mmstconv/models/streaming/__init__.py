from .trunk import StreamedTrunk
from .windows import WindowScorer

__all__ = ["StreamedTrunk", "WindowScorer"]
