"""Which clips are joined, in which order: drawn from a seed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import NamedTuple

import numpy as np
from joined_lists import Clip, other_clips, read_clips
from made_dataset import SUBSETS


class Piece(NamedTuple):
    """A part of a joined video.

    Args:
        path: Of the clip; None: the frame before goes on, without sound.
        start: Where the part begins, in seconds of the clip's file.
        frames: Of the joined video.
        label: Of an event; None: background.
    """

    path: str | None
    start: float
    frames: int
    label: str | None


@dataclass(frozen=True)
class JoinedForm:
    """What joined videos are like.

    Args:
        seconds: Of a video, at most.
        longest: Seconds of an event, at most; of longer clips a random part is taken.
        gaps: Seconds between two events, the least and the most.
        fps: Frames per second.
        width: In pixels; clips are scaled to cover the frame, and cut to it.
        height: In pixels.
        sample_rate: Of the sound, in Hz.
    """

    seconds: float = 60.0
    longest: float = 6.0
    gaps: tuple[float, float] = (1.0, 12.0)
    fps: int = 25
    width: int = 176
    height: int = 128
    sample_rate: int = 16000

    def __post_init__(self) -> None:
        for name in ("seconds", "longest", "fps", "width", "height", "sample_rate"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")
        if self.width % 2 or self.height % 2:
            raise ValueError(f"sides must be even, got {self.width} x {self.height}")
        if not 0 <= self.gaps[0] <= self.gaps[1]:
            raise ValueError(f"gaps must be 0 <= least <= most, got {self.gaps}")
        if self.longest + 2 * self.gaps[1] > self.seconds:
            raise ValueError(
                f"an event of {self.longest:g} s between gaps of {self.gaps[1]:g} s "
                f"does not fit into a video of {self.seconds:g} s"
            )


def plan(
    lists: Sequence[Path],
    background: Sequence[Path] = (),
    root: Path | None = None,
    classes: str | None = None,
    background_classes: str | None = None,
    form: JoinedForm | None = None,
    per_class: int | None = None,
    seed: int = 0,
) -> tuple[dict[str, list[list[Piece]]], list[str]]:
    """The videos of each subset, as pieces, and the names of the classes.

    Args:
        lists: Of events, one a subset.
        background: Of what is between them, as many lists, or none.
        root: Folder that paths begin at; None: that of each list.
        classes: File of the events' names; None: ``classes.txt`` beside the list.
        background_classes: The same of the background.
        form: Of the videos; None is ``JoinedForm()``.
        per_class: Events of a class in a subset, at most.
        seed: Of all that is drawn.

    Raises:
        ValueError: Lists do not fit each other, or something in them cannot be used.
        FileNotFoundError: There is no such list.
    """
    form = form or JoinedForm()
    if background and len(background) != len(lists):
        raise ValueError(
            f"{len(lists)} lists of events need as many of background, or none; "
            f"got {len(background)}"
        )
    videos: dict[str, list[list[Piece]]] = {}
    names: list[str] = []
    for number, path in enumerate(lists):
        events, found = read_clips(path, root, classes)
        if not found:
            raise ValueError(f"{path}: events need a label each, got paths alone")
        if number and found != names:
            raise ValueError(f"{path}: other classes than {lists[0]}: give one file")
        names, others = found, []
        if background:
            read, _ = read_clips(background[number], root, background_classes)
            others = other_clips(read, events, names, background[number])
        rng = np.random.default_rng([seed, number])
        subset = SUBSETS[number]
        videos[subset] = plan_videos(rng, events, others, form, per_class)
    return videos, names


def plan_videos(
    rng: np.random.Generator,
    events: Sequence[Clip],
    background: Sequence[Clip],
    form: JoinedForm,
    per_class: int | None = None,
) -> list[list[Piece]]:
    """The pieces of each video; every event occurs once, in random order.

    Args:
        rng: What is drawn from.
        events: Their clips, with labels.
        background: Clips between them; without any, stillness.
        form: Of the videos.
        per_class: Events of a class, at most.
    """
    order = _capped([events[k] for k in rng.permutation(len(events))], per_class)
    others = cycle([background[k] for k in rng.permutation(len(background))])
    room = round((form.seconds - form.gaps[1]) * form.fps)
    videos: list[list[Piece]] = []
    pieces: list[Piece] = []
    for clip in order:
        event = _part(rng, clip, round(form.longest * form.fps), form, clip.label)
        before = list(_gap(rng, others, form))
        if pieces and sum(p.frames for p in [*pieces, *before, event]) > room:
            videos.append([*pieces, *before])
            pieces, before = [], list(_gap(rng, others, form))
        pieces += [*before, event]
    videos.append([*pieces, *_gap(rng, others, form)])
    return videos


def events_of(pieces: Sequence[Piece], fps: int) -> list[dict]:
    """ActivityNet's annotations of a joined video, in seconds."""
    edges = np.cumsum([0, *(piece.frames for piece in pieces)]) / fps
    return [
        {"segment": [start, end], "label": piece.label}
        for piece, start, end in zip(pieces, edges.tolist(), edges[1:].tolist())
        if piece.label is not None
    ]


def _capped(clips: Sequence[Clip], per_class: int | None) -> Iterator[Clip]:
    taken: dict[str | None, int] = defaultdict(int)
    for clip in clips:
        taken[clip.label] += 1
        if per_class is None or taken[clip.label] <= per_class:
            yield clip


def _part(rng, clip: Clip, most: int, form: JoinedForm, label: str | None) -> Piece:
    """At most so many frames of a clip, from a random place; at least one."""
    there = max(int(clip.seconds * form.fps + 1e-3), 1)
    frames = min(there, most)
    first = int(rng.integers(there - frames + 1))
    return Piece(clip.path, clip.start + first / form.fps, frames, label)


def _gap(rng, others: Iterator[Clip], form: JoinedForm) -> Iterator[Piece]:
    """Background of a random length: parts of as many clips as it takes."""
    rest = round(rng.uniform(*form.gaps) * form.fps)
    while rest > 0:
        clip = next(others, None)
        piece = (
            Piece(None, 0.0, rest, None)
            if clip is None
            else _part(rng, clip, rest, form, None)
        )
        yield piece
        rest -= piece.frames
