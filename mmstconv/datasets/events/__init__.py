"""Annotations of events in untrimmed videos: one reader for each published format."""

from . import activitynet, epic_kitchens, spotting, tables  # noqa: F401  (register)
from .annotation import EVENT_FORMATS, EventAnnotation, read_events
from .film import Event, Film

__all__ = ["EVENT_FORMATS", "Event", "EventAnnotation", "Film", "read_events"]
