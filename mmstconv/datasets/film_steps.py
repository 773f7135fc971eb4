"""What the streams say all along one untrimmed video, as a value and as a file."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..disk import own_file

PREFIX = "feats_"


class FilmStepsError(ValueError):
    """A file of film steps that cannot be used; names it and what to do."""


class FilmSteps(NamedTuple):
    """Features of each stream along a video, on one uniform grid, before fusion.

    Step k covers the video from ``start + k * step`` to ``start + (k + 1) * step``.

    Args:
        feats: ``{modality: float32 (T, D_m)}``; zeros where the video lacks it.
        presence: Whether the video has each modality.
        start: Where step 0 begins, in seconds.
        step: Seconds from one step to the next.
        end: Of the video, in seconds; it may lie within the last step.
    """

    feats: Mapping[str, np.ndarray]
    presence: Mapping[str, bool]
    start: float
    step: float
    end: float

    @property
    def count(self) -> int:
        """T."""
        return len(next(iter(self.feats.values())))

    @property
    def seconds(self) -> np.ndarray:
        """Begin and end of each step, float64 ``(T, 2)``."""
        edges = self.start + self.step * np.arange(self.count + 1)
        return np.stack([edges[:-1], edges[1:]], axis=1)

    def part(self, first: int, count: int) -> FilmSteps:
        """At most ``count`` steps from step ``first`` on."""
        feats = {name: x[first : first + count] for name, x in self.feats.items()}
        return self._replace(feats=feats, start=self.start + first * self.step)


def join_film_steps(pieces: Iterable[FilmSteps]) -> FilmSteps:
    """Pieces of one video that follow each other, as one.

    Raises:
        ValueError: There is none.
    """
    pieces = list(pieces)
    if not pieces:
        raise ValueError("expected at least one piece of a film, got none")
    first = pieces[0]
    return first._replace(
        feats={
            name: np.concatenate([piece.feats[name] for piece in pieces])
            for name in first.feats
        },
        presence={
            name: any(piece.presence[name] for piece in pieces)
            for name in first.presence
        },
    )


def save_film_steps(
    path: str | os.PathLike, steps: FilmSteps, notes: Mapping | None = None
) -> None:
    """Writes an ``.npz`` file, whole or not at all.

    Args:
        path: Of the file. One that was not written here is not replaced.
        steps: What to write.
        notes: Of JSON's types; :func:`read_notes` gives them back.

    Raises:
        ForeignFile: There is another file of that name.
        FileNotFoundError: The folder does not exist.
    """
    names = list(steps.feats)
    arrays = {PREFIX + name: np.asarray(steps.feats[name], "f4") for name in names}
    with own_file(path) as part, part.open("wb") as file:
        np.savez(
            file,
            notes=np.array(json.dumps(dict(notes or {}))),
            names=np.array(names),
            presence=np.array([bool(steps.presence.get(n, True)) for n in names]),
            grid=np.array([steps.start, steps.step, steps.end], np.float64),
            **arrays,
        )


def load_film_steps(path: str | os.PathLike) -> FilmSteps:
    """Reads a file of :func:`save_film_steps`.

    Raises:
        FileNotFoundError: There is no such file.
        FilmStepsError: It is none of film steps, or broken.
    """
    with _opened(path) as file:
        names = [str(name) for name in file["names"]]
        start, step, end = map(float, file["grid"])
        return FilmSteps(
            {name: file[PREFIX + name] for name in names},
            {name: bool(here) for name, here in zip(names, file["presence"])},
            start,
            step,
            end,
        )


def read_notes(path: str | os.PathLike) -> dict:
    """What was noted in a file of :func:`save_film_steps`; raises as loading does."""
    with _opened(path) as file:
        return json.loads(str(file["notes"]))


class _opened:
    """``np.load``, with one error for all that can be wrong with a file."""

    def __init__(self, path: str | os.PathLike) -> None:
        self.path = Path(path)
        self.file = None

    def __enter__(self) -> Mapping[str, np.ndarray]:
        try:
            self.file = np.load(self.path, allow_pickle=False)
        except (ValueError, EOFError, zipfile.BadZipFile) as error:
            raise self._broken(error) from error
        if not isinstance(self.file, np.lib.npyio.NpzFile):
            raise self._broken("it is a single array")
        return self.file

    def __exit__(self, kind, error, trace) -> None:
        self.file.close()
        if isinstance(error, (ValueError, KeyError, EOFError, zipfile.BadZipFile)):
            raise self._broken(error) from error

    def _broken(self, reason: object) -> FilmStepsError:
        return FilmStepsError(
            f"{self.path} is no file of film steps, or broken ({reason}): delete it "
            "and cache again"
        )
