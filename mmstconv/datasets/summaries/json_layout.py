"""Films with shots in seconds and users' scores of each, as the generator has them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping

import numpy as np

from ..annotation import AnnotationError


def read_json(path: str | os.PathLike, subset: str | None = None) -> dict[str, dict]:
    """Reads a file strictly.

    ``{"scale": [low, high], "database": {file: {"subset", "duration", "shots": [[start,
    end], ...], "users": [[score, ...], ...]}}}``: times in seconds, a score for each
    shot.

    Args:
        path: Of the file.
        subset: Films that are wanted; None: all.

    Returns:
        ``{file: {shots (S, 2), users (U, S)}}``, scores scaled to 0..1.

    Raises:
        FileNotFoundError: There is no such file.
        AnnotationError: It is none of these, or films cannot be used; lists all
            mistakes.
    """
    path = os.fspath(path)
    with open(path, "rb") as file:
        content = file.read()
    try:
        found = json.loads(content)
        low, high = map(float, found["scale"])
        database = dict(found["database"])
        if not low < high:
            raise ValueError(f"scale {found['scale']} does not rise")
    except (ValueError, KeyError, TypeError) as error:
        raise AnnotationError(
            [f"{path} is no list of rated films (scale, database): {error!r}"]
        ) from error
    films, mistakes = {}, []
    for name, entry in database.items():
        if subset is not None and entry.get("subset") != subset:
            continue
        try:
            shots = np.asarray(entry["shots"], np.float64)
            users = np.asarray(entry["users"], np.float64)
            wrong = problems(shots, users, float(entry["duration"]))
        except (KeyError, ValueError, TypeError) as error:
            wrong = [f"shots, users or duration: {error!r}"]
        mistakes += [f"{path}: {name}: {what}" for what in wrong]
        if not wrong:
            scaled = np.clip((users - low) / (high - low), 0, 1).astype(np.float32)
            films[name] = dict(shots=shots, users=scaled)
    if not films and not mistakes:
        there = sorted({str(one.get("subset")) for one in database.values()})
        mistakes.append(f"{path}: no film of the subset {subset!r}, there are {there}")
    if mistakes:
        raise AnnotationError(mistakes)
    return films


def problems(shots: np.ndarray, users: np.ndarray, duration: float) -> list[str]:
    """What does not fit together in a film."""
    if shots.ndim != 2 or shots.shape[1:] != (2,) or not len(shots):
        return [f"shots has the shape {shots.shape}, expected (shots, 2)"]
    found = []
    if not (shots[:, 0] < shots[:, 1]).all():
        found.append("a shot ends before it begins")
    if (shots[1:, 0] != shots[:-1, 1]).any():
        found.append("shots do not follow each other without a gap")
    if shots[0, 0] < 0 or shots[-1, 1] > duration + 1e-3:
        found.append(f"shots reach beyond the duration, {duration} s")
    if users.ndim != 2 or users.shape[1:] != (len(shots),) or not len(users):
        found.append(
            f"users has the shape {users.shape}, expected (users, {len(shots)})"
        )
    elif not np.isfinite(users).all():
        found.append("a score is not finite")
    return found


def read_split(path: str | os.PathLike, number: int, part: str) -> list[str]:
    """Keys of one part of a file of splits.

    Args:
        path: ``[{"train_keys": [...], "test_keys": [...]}, ...]``, with
            ``validation_keys`` where a model is chosen.
        number: Which split.
        part: ``'train'``, ``'validation'`` or ``'test'``.

    Raises:
        AnnotationError: There is no such split or part, or the part is of several
            files, of which each has a ``video_1``.
    """
    path = os.fspath(path)
    with open(path, "rb") as file:
        content = file.read()
    try:
        splits = json.loads(content)
    except ValueError as error:
        raise AnnotationError([f"{path} is no JSON: {error}"]) from error
    if not isinstance(splits, list) or not 0 <= number < len(splits):
        count = len(splits) if isinstance(splits, list) else "no list of"
        raise AnnotationError([f"{path}: there is no split {number} in {count} splits"])
    split = splits[number]
    keys = split.get(f"{part}_keys") if isinstance(split, Mapping) else None
    if not keys or not all(isinstance(key, str) for key in keys):
        advice = ""
        if part == "validation":
            advice = "; take some of train_keys: a model is not chosen on the test"
        raise AnnotationError([f"{path}: split {number} has no {part}_keys{advice}"])
    shared = set(split.get("train_keys") or ()) & set(split.get("test_keys") or ())
    if shared:
        raise AnnotationError(
            [f"{path}: split {number} has {sorted(shared)} in train_keys and test_keys"]
        )
    if len(files := {os.path.dirname(key) for key in keys} - {""}) > 1:
        raise AnnotationError(
            [
                f"{path}: split {number} has {part}_keys of {len(files)} files, "
                f"{', '.join(sorted(files))}, whose videos have the same names; one is "
                "read: take splits of one file, not augmented"
            ]
        )
    return [os.path.basename(key) for key in keys]
