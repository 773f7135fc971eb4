"""What is said of a film, in JSON's types."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .analyze import Analysis, ClassesOverTime
from .captions import TimedCaption
from .detect import Detection
from .summarize import shots_as_json


def analysis_as_json(found: Analysis, top: int = 5) -> dict:
    """An analysis as ``python -m mmstconv analyze`` writes it.

    Args:
        found: Of :func:`analyze`.
        top: Classes of each window that are written, the most probable ones.

    Returns:
        ``end``, ``presence``, and, of what the model has a head for, ``classes``,
        ``events``, ``summary`` and ``captions``; times in seconds.
    """
    known: dict[str, object] = dict(end=round(found.end, 3), presence=found.presence)
    if found.classes is not None:
        known["classes"] = classes_as_json(found.classes, top)
    if found.events is not None:
        known["events"] = [event_as_json(event) for event in found.events]
    if found.summary is not None:
        shots, shown = shots_as_json(found.summary)
        known["summary"] = dict(
            rated_by=found.summary.rated_by, shown=shown, shots=shots
        )
        if found.no_choice:
            known["summary"]["no_choice"] = found.no_choice
    if found.captions is not None:
        known["captions"] = [caption_as_json(one) for one in found.captions]
        known["captions_of"] = found.said_of
    return known


def classes_as_json(found: ClassesOverTime, top: int) -> list[dict]:
    """``segment`` of each window and its most probable ``classes``."""
    best = np.argsort(-found.scores, axis=1, kind="stable")[:, :top]
    return [
        dict(
            segment=_rounded(segment),
            classes={found.names[k]: round(float(scores[k]), 4) for k in order},
        )
        for segment, scores, order in zip(found.seconds, found.scores, best)
    ]


def event_as_json(event: Detection) -> dict:
    """As ActivityNet writes a detection."""
    return dict(
        score=round(event.score, 6),
        segment=_rounded((event.start, event.end)),
        label=event.label,
    )


def caption_as_json(said: TimedCaption) -> dict:
    """``segment``, ``sentence``, and ``score``: mean log probability of a token."""
    return dict(
        segment=_rounded((said.start, said.end)),
        sentence=said.text,
        score=round(said.score, 4),
    )


def _rounded(segment: Sequence[float]) -> list[float]:
    return [round(float(value), 3) for value in segment]
