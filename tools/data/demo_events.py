"""The events of generated untrimmed videos, and what one modality cannot know of them.

An event is a motion, a glide, or both at once. Its visible and its audible half are
drawn independently, so a model of one modality can do no better than :func:`bound`,
and its score does not change when the other half is :func:`redrawn`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from itertools import groupby, product

import numpy as np
from demo_timeline import GLIDES, MOTIONS, Part

Timeline = list[Part]  # of one video, by time

NONE = "none"
CLASSES = [f"{m}_{g}" for m, g in product(MOTIONS, GLIDES) if (m, g) != (NONE, NONE)]
#: The half of an event that each modality perceives: 0 the motion, 1 the glide.
PERCEIVES = {"rgb": 0, "flow": 0, "audio": 1}

LENGTHS = (1.5, 4.0)  # seconds of an event
# Long gaps: after a short one, an event that is not perceived would betray itself by
# the time that is left for it.
GAPS = (1.0, 12.0)  # seconds before an event
TAIL = 1.0  # seconds after the last event, at least


def label_of(part: Part) -> str:
    """The class of an event."""
    return f"{part.motion}_{part.glide}"


def draw_timelines(
    rng: np.random.Generator, videos: int, seconds: float
) -> list[Timeline]:
    """Draws events; each class occurs once in every eight events of the set.

    Args:
        rng: Of all that is drawn.
        videos: How many timelines.
        seconds: Of each video.
    """
    waiting: list[str] = []
    timelines = []
    for _ in range(videos):
        timeline, now = [], 0.0
        while True:
            start = now + rng.uniform(*GAPS)
            now = start + rng.uniform(*LENGTHS)
            if now > seconds - TAIL:
                break
            waiting = waiting or [CLASSES[k] for k in rng.permutation(len(CLASSES))]
            motion, glide = waiting.pop().split("_")
            timeline.append(Part(round(start, 3), round(now, 3), motion, glide))
        timelines.append(timeline)
    return timelines


def perceived(label: str, subset: str) -> tuple[str, ...]:
    """The halves of a class that modalities perceive, such as ``('up',)``.

    Args:
        label: The class.
        subset: Modalities, such as ``'rgb+flow'``, or ``'none'``.
    """
    names = [] if subset == NONE else subset.split("+")
    halves = sorted({PERCEIVES[name] for name in names})
    return tuple(label.split("_")[half] for half in halves)


def invisible(subset: str) -> list[str]:
    """The classes that modalities cannot tell from the rest of the video."""
    return [name for name in CLASSES if set(perceived(name, subset)) <= {NONE}]


def redrawn(
    timelines: Sequence[Timeline], subset: str, rng: np.random.Generator
) -> list[Timeline]:
    """Other timelines, as likely as these, in which modalities perceive the same.

    The labels of events that are perceived alike change places, over all videos. Of
    events that are not perceived, those between two that are (or before the first, or
    after the last) change their order, and so do the gaps before them. A prediction of
    these modalities must score the same on the result, but for chance.

    Args:
        timelines: Of the videos of one set.
        subset: Modalities, such as ``'audio'``.
        rng: Of the permutations.
    """
    hidden = invisible(subset)
    alike: dict[tuple, list[str]] = {}
    for part in (part for timeline in timelines for part in timeline):
        alike.setdefault(perceived(label_of(part), subset), []).append(label_of(part))
    for labels in alike.values():
        rng.shuffle(labels)
    result = []
    for timeline in timelines:
        new, now = [], 0.0
        for is_hidden, group in groupby(timeline, lambda p: label_of(p) in hidden):
            parts = list(group)
            if is_hidden:
                following = timeline[len(new) + len(parts) :][:1]
                parts = _moved(parts, now, [p.start for p in following], rng)
            new += parts
            now = parts[-1].end
        labels = [alike[perceived(label_of(part), subset)].pop() for part in new]
        pairs = zip(new, (label.split("_") for label in labels))
        result.append([Part(part.start, part.end, *halves) for part, halves in pairs])
    return result


def bound(timelines: Sequence[Timeline], subset: str) -> float:
    """The mean average precision at tIoU 0.5 that modalities can reach.

    A class that they do not perceive counts 0. The events of another one are found,
    among those that look or sound alike, in no particular order.

    Args:
        timelines: Of the videos of one set.
        subset: Modalities, such as ``'rgb+flow'``, or ``'none'``.
    """
    counts = Counter(label_of(part) for timeline in timelines for part in timeline)
    alike = Counter()
    for label, count in counts.items():
        alike[perceived(label, subset)] += count
    hidden = invisible(subset)
    precisions = [
        0.0
        if label in hidden
        else chance_precision(count, alike[perceived(label, subset)] - count)
        for label, count in counts.items()
    ]
    return float(np.mean(precisions)) if precisions else float("nan")


@lru_cache
def chance_precision(hits: int, others: int, levels: int = 1000) -> float:
    """Expected interpolated average precision of a ranking in random order.

    Interpolated: at each hit counts the best precision there or further down. The last
    hit, seen from the end, with a precision above a level is one that all hits before
    it share; so the expectation is an integral over levels of the expected number of
    that hit, found by taking the ranking apart from its end.

    Args:
        hits: Right answers in the ranking.
        others: Wrong answers in it.
        levels: Of precision, that the integral is a sum over.
    """
    if hits == 0:
        return 0.0
    level = (np.arange(levels) + 0.5) / levels
    # reached[b]: expected number of the hit, for the first a hits and b others
    reached = np.zeros((others + 1, levels))
    for a in range(1, hits + 1):
        without_hit, reached = reached, np.empty_like(reached)
        for b in range(others + 1):
            share = a / (a + b)
            hit_last = np.where(level < share, a, without_hit[b])
            other_last = reached[b - 1] if b else 0.0
            reached[b] = share * hit_last + (1 - share) * other_last
    return float(reached[others].mean() / hits)


def _moved(
    parts: Timeline, before: float, following: list[float], rng: np.random.Generator
) -> Timeline:
    """Neighbouring events in another order, with their gaps in another one.

    Args:
        parts: The events.
        before: End of the event before them.
        following: Start of the event after them; empty if there is none, for then the
            time that is left is no gap of the same kind.
        rng: Of the permutations.
    """
    starts = [part.start for part in parts] + following
    ends = [before] + [part.end for part in parts]
    gaps = rng.permutation([start - end for start, end in zip(starts, ends)])
    moved, now = [], before
    for index, gap in zip(rng.permutation(len(parts)), gaps):
        part = parts[index]
        start = now + gap
        now = start + part.end - part.start
        edges = round(float(start), 3), round(float(now), 3)
        moved.append(Part(*edges, part.motion, part.glide))
    return moved
