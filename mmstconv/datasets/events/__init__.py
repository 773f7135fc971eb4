"""Annotations of events in untrimmed videos: one reader for each published format."""

from . import (  # noqa: F401  (they register)
    activitynet,
    epic_kitchens,
    numbered_actions,
    spotting,
    tables,
)
from .annotation import EVENT_FORMATS, EventAnnotation, read_events
from .film import Event, Film

__all__ = ["EVENT_FORMATS", "Event", "EventAnnotation", "Film", "read_events"]
