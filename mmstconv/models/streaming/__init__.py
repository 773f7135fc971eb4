"""The same models on a long video, window by window, nothing computed twice."""

from .events import OnlineEvents
from .trunk import StreamedTrunk
from .windows import WindowScorer

__all__ = ["OnlineEvents", "StreamedTrunk", "WindowScorer"]
