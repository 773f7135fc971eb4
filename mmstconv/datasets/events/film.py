"""An untrimmed video and its events, as every reader gives them."""

from __future__ import annotations

import math
import re
from typing import NamedTuple

NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


class Event(NamedTuple):
    """An event of a film.

    Args:
        start: In seconds.
        end: In seconds; of an instant the same as ``start``.
        label: Name of the class, or its number.
        where: ``file:line`` or ``file: key``, for messages.
    """

    start: float
    end: float
    label: str | int
    where: str


class Film(NamedTuple):
    """An untrimmed video.

    Args:
        id: As the annotation has it, whole.
        name: Of the file, maybe without its suffix.
        duration: In seconds; None if the annotation does not say.
        events: In the order of the annotation; may be empty.
        where: ``file:line`` or ``file: key``, for messages.
    """

    id: str
    name: str
    duration: float | None
    events: list[Event]
    where: str


def number_of(value: object) -> float | None:
    """A finite number, or a text of one; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        if not NUMBER.fullmatch(value.strip()):
            return None
        value = float(value)
    if isinstance(value, (int, float)) and math.isfinite(value):
        return float(value)
    return None
