"""A film's summary: which shots matter most, and a shorter film of them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from torch import nn

from ..datasets.film_cache import FilmCache, stamp_of
from ..datasets.film_steps import FilmSteps, join_film_steps
from ..disk import (
    FolderLock,
    ForeignFile,
    lasting_name,
    public_name,
    refuse_foreign,
    remove_unfinished,
    write_own_json,
)
from ..engine.film_caches import cache_key
from ..media.remote import open_at, source_at
from .film_steps import film_steps, step_layout
from .summary.contact_sheet import write_contact_sheet
from .summary.film import write_film
from .summary.rating import rate_steps
from .summary.selection import select_shots
from .summary.shots import ShotLimits, find_shots

STEPS = "steps"  # folder of the cache beside what is written


class FilmSummary(NamedTuple):
    """What of a film is to be shown.

    Args:
        shots: Begin and end of each shot in seconds, ``(S, 2)``.
        chosen: Whether each is shown, bool ``(S,)``.
        scores: Mean importance of each shot, ``(S,)``.
        key_times: When each shot is at its most important, seconds ``(S,)``.
        importance: Of each step, ``(T,)`` in 0..1.
        seconds: Begin and end of each step, ``(T, 2)``.
        rated_by: Class of the head; ``TrainingFreeSummaryHead`` where the model has
            none for summaries.
    """

    shots: np.ndarray
    chosen: np.ndarray
    scores: np.ndarray
    key_times: np.ndarray
    importance: np.ndarray
    seconds: np.ndarray
    rated_by: str


def choose_shots(
    model: nn.Module,
    steps: FilmSteps,
    share: float = 0.15,
    limits: ShotLimits | None = None,
) -> FilmSummary:
    """Rates the steps of a film, finds its shots and chooses among them.

    Args:
        model: Of :func:`load_recognizer`; any recognizer, whatever its head.
        steps: Of :func:`extract_film_steps`.
        share: Of the film, that may be shown.
        limits: Lengths of shots; None is ``ShotLimits()``.

    Raises:
        ValueError: ``share`` is out of range or too small for any shot.
        ImportError: ``ruptures`` is not installed.
    """
    found, shots = rate_shots(model, steps, limits)
    return found._replace(chosen=select_shots(found.importance, shots, share))


def rate_shots(
    model: nn.Module, steps: FilmSteps, limits: ShotLimits | None = None
) -> tuple[FilmSummary, np.ndarray]:
    """The shots of a film and their scores, of which none is chosen.

    Args:
        model: As of :func:`choose_shots`.
        steps: As of :func:`choose_shots`.
        limits: As of :func:`choose_shots`.

    Returns:
        The shots, and in which steps they lie: the first and the one after the last,
        ``(S, 2)``.
    """
    rating = rate_steps(model, steps)
    seconds = steps.seconds
    edges = np.append(seconds[:, 0], seconds[-1, 1])
    shots = find_shots(rating.fused, edges, limits)
    parts = [rating.importance[first:end] for first, end in shots]
    best = [first + int(np.argmax(part)) for (first, _), part in zip(shots, parts)]
    edges[-1] = min(edges[-1], max(steps.end, edges[-2]))  # it may end within a step
    found = FilmSummary(
        edges[shots],
        np.zeros(len(shots), bool),
        np.array([part.mean() for part in parts]),
        np.minimum(seconds.mean(axis=1)[best], edges[-1]),
        rating.importance,
        seconds,
        rating.rated_by,
    )
    return found, shots


def summarize(
    model: nn.Module,
    path: str | os.PathLike,
    out: str | os.PathLike,
    *,
    share: float = 0.15,
    limits: ShotLimits | None = None,
    progress: Callable[[str, float], None] = lambda what, share: None,
) -> FilmSummary:
    """Writes a film's summary: the film, its key frames, and what was chosen.

    Into the folder: ``summary.mp4`` (of a file without pictures ``summary.m4a``),
    ``key_frames.png`` and ``summary.json``, and the film's steps, which the same call
    reads again. Each file is whole or not there. Memory does not grow with the film,
    but for its steps.

    Args:
        model: Of :func:`load_recognizer`; one without a head for summaries rates steps
            by their features alone.
        path: The film.
        out: Folder, made if it is not there.
        share: Of the film, that may be shown.
        limits: Lengths of shots; None is ``ShotLimits()``.
        progress: Told what is done, and the share of it that is done.

    Raises:
        ValueError: ``share`` is out of range or too small for any shot.
        FileNotFoundError: There is no such file.
        MediaError: It is no readable film; the message names it.
        ForeignFile: There are files of these names that were not written here, or the
            summary of another film.

    Example:
        >>> summary = summarize(model, "match.mp4", "match.summary", share=0.1)
        >>> summary.shots[summary.chosen]  # seconds
    """
    out, path = Path(out), os.fspath(path)
    if not 0 < share <= 1:
        raise ValueError(f"share must be above 0 and at most 1, got {share!r}")
    with open_at(path) as media:
        has_video = media.has_video
    film = out / ("summary.mp4" if has_video else "summary.m4a")
    sheet, written = out / "key_frames.png", out / "summary.json"
    refuse_foreign([film, written, *([sheet] if has_video else [])])
    lock = FolderLock(out / STEPS, "a summary of this film", "Wait for it or end it")
    try:
        _refuse_another_film(written, path)
        remove_unfinished(out)
        steps = _cached_steps(model, path, out / STEPS, progress)
        progress("shots", 0.0)
        found = choose_shots(model, steps, share, limits)
        progress("shots", 1.0)
        stretches = [tuple(shot) for shot in found.shots[found.chosen].tolist()]
        damage = write_film(
            source_at(path),
            film,
            stretches,
            lambda done, total: progress("film", done / total),
        )
        if has_video:
            write_contact_sheet(path, sheet, found.key_times[found.chosen].tolist())
        write_own_json(written, _as_json(found, path, share, damage), indent=1)
        return found
    finally:
        lock.release()


def _refuse_another_film(written: Path, path: str) -> None:
    """Raise if a folder has the summary of another film."""
    if not written.exists():
        return
    film = json.loads(written.read_bytes())["video"]
    if lasting_name(film) != lasting_name(path):
        raise ForeignFile(
            f"{written.parent} has the summary of {film}: write that of "
            f"{public_name(path)} to "
            "another folder, or delete it"
        )


def _cached_steps(
    model: nn.Module, path: str, folder: Path, progress: Callable[[str, float], None]
) -> FilmSteps:
    """As ``cache_film_steps`` keeps them, told on the way."""
    layout = step_layout(model)
    hop = layout.checked_hop(None)
    cache = FilmCache(folder)
    cache.begin(cache_key(model, model.cfg.test_pipeline, hop), model.joint.in_channels)
    if cache.problem(path) is None:
        return cache.load(path)
    noted, pieces = stamp_of(path), []
    for piece in film_steps(model, path, hop, layout=layout):
        pieces.append(piece)
        seconds = piece.seconds
        progress("steps", min(seconds[-1, 1] / max(piece.end, 1e-9), 1.0))
    steps = join_film_steps(pieces)
    pieces.clear()
    cache.save(path, steps, noted)
    return steps


def _as_json(
    found: FilmSummary, path: str, share: float, damage: tuple[str, ...]
) -> dict:
    step = found.seconds[0]
    shots, shown = shots_as_json(found)
    return dict(
        video=public_name(path),
        rated_by=found.rated_by,
        share=share,
        shown=shown,
        damage=list(damage),
        shots=shots,
        steps=dict(
            start=float(step[0]),
            step=float(step[1] - step[0]),
            importance=[round(float(value), 4) for value in found.importance],
        ),
    )


def shots_as_json(found: FilmSummary) -> tuple[list[dict], float]:
    """Each shot as it is written, and the seconds of those that are shown."""
    shown, shots = 0.0, []
    for (start, end), chosen, score, key in zip(
        found.shots.tolist(), found.chosen, found.scores, found.key_times
    ):
        shot = dict(
            start=round(start, 3), end=round(end, 3), score=round(float(score), 4)
        )
        shot |= dict(chosen=bool(chosen), key_time=round(float(key), 3))
        if chosen:
            shot["shown"] = round(shown, 3)
            shown += end - start
        shots.append(shot)
    return shots, round(shown, 3)
