"""A folder of film steps, a file per video, that knows what it was made of."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from mmstconv.media import MediaError
from mmstconv.media.remote import Store

from ..disk import is_remote, lasting_name, own_file
from .film_steps import (
    FilmSteps,
    FilmStepsError,
    load_film_steps,
    read_notes,
    save_film_steps,
)

MANIFEST = "film_steps.json"
RENEW = "python -m mmstconv cache-steps CONFIG CHECKPOINT --out {folder}"
LONGEST = 40  # letters kept of a name, of up to 4 bytes: a file system takes 255 bytes
SAMPLES, SAMPLE = 5, 4096  # of a file: parts that are compared, and bytes of each


class FilmCache:
    """Film steps by video, with the key of what made them.

    The manifest says for all files: the key (digests of the weights of the streams and
    of the pipeline of clips, and the hop), how wide each stream is, and the command.
    Each file says of which video it is, as that was.

    Args:
        folder: Need not exist yet.
    """

    def __init__(self, folder: str | os.PathLike) -> None:
        self.folder = Path(folder)
        self._manifest: dict | None = None

    @property
    def manifest(self) -> dict:
        """Read once.

        Raises:
            FilmStepsError: There is none, or it is broken.
        """
        if self._manifest is None:
            self._manifest = self._read_manifest()
        return self._manifest

    @property
    def command(self) -> str:
        """That makes this cache anew."""
        known = (self._manifest or {}).get("command")
        return known or RENEW.format(folder=self.folder)

    def begin(self, key: Mapping, widths: Mapping[str, int], command: str = "") -> None:
        """Makes the folder and its manifest; of another key, files count as stale.

        Args:
            key: What the steps depend on, of JSON's types.
            widths: ``{modality: D_m}``.
            command: That makes this cache.

        Raises:
            ForeignFile: A manifest is there that was not written here.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        manifest = dict(key=dict(key), widths=dict(widths), command=command)
        path = self.folder / MANIFEST
        if not path.exists() or self.manifest != manifest:
            with own_file(path) as part:
                part.write_text(json.dumps(manifest, indent=1) + "\n")
        self._manifest = manifest

    def path_of(self, film: str | os.PathLike) -> Path:
        """Where the steps of a video are, or would be."""
        where = lasting_name(film)
        digest = hashlib.sha256(os.fsencode(where)).hexdigest()[:12]
        return self.folder / f"{Path(where).stem[:LONGEST]}-{digest}.npz"

    def save(self, film: str | os.PathLike, steps: FilmSteps, stamp: Mapping) -> None:
        """Writes the steps of a video.

        Args:
            film: The video.
            steps: Its steps.
            stamp: :func:`stamp_of` it, taken before it was read.
        """
        notes = dict(key=self.manifest["key"], film=dict(stamp))
        self._unusable_path(film).unlink(missing_ok=True)
        save_film_steps(self.path_of(film), steps, notes)

    def save_unusable(
        self, film: str | os.PathLike, reason: str, stamp: Mapping
    ) -> None:
        """Notes that a video cannot be read, and why."""
        with own_file(self._unusable_path(film)) as part:
            part.write_text(json.dumps(dict(film=dict(stamp), reason=reason)))

    def why_unusable(self, film: str | os.PathLike) -> str | None:
        """Why a video could not be read, if it is still the same; None: it could."""
        try:
            noted = json.loads(self._unusable_path(film).read_bytes())
        except (OSError, ValueError):
            return None
        return noted["reason"] if noted["film"] == stamp_of(film) else None

    def _unusable_path(self, film: str | os.PathLike) -> Path:
        return self.path_of(film).with_suffix(".unusable.json")

    def problem(self, film: str | os.PathLike) -> str | None:
        """Why the steps of a video cannot be used; None: they can."""
        key, path = self.manifest["key"], self.path_of(film)
        if not path.exists():
            return "has no steps"
        try:
            notes = read_notes(path)
        except FilmStepsError as error:
            return f"has broken steps ({error})"
        if notes.get("key") != key:
            return "has steps of other weights, another pipeline or another hop"
        if notes.get("film") != stamp_of(film):
            return "has changed since its steps were made"
        return None

    def load(self, film: str | os.PathLike) -> FilmSteps:
        """The steps of a video.

        Raises:
            FileNotFoundError: There is no such video.
            MediaError: The video could not be read when the cache was made.
            FilmStepsError: There are no steps of it, or they are stale; says how to
                renew them.
        """
        problem = self.problem(film)
        if problem is None:
            return load_film_steps(self.path_of(film))
        unusable = self.why_unusable(film)
        if unusable is not None:
            raise MediaError(os.fspath(film), unusable)
        raise FilmStepsError(f"{film} {problem} in {self.folder}: {self.renew()}")

    def renew(self) -> str:
        """What to do about steps that are missing or stale, for a message."""
        return f"make them with\n  {self.command}"

    def blank(self) -> FilmSteps:
        """A step of a video that cannot be used: no modality is present."""
        widths = self.manifest["widths"]
        feats = {name: np.zeros((1, n), np.float32) for name, n in widths.items()}
        return FilmSteps(feats, dict.fromkeys(widths, False), 0.0, 1.0, 1.0)

    def _read_manifest(self) -> dict:
        path = self.folder / MANIFEST
        try:
            found = json.loads(path.read_bytes())
            found["key"], found["widths"]
        except FileNotFoundError:
            raise FilmStepsError(
                f"{self.folder} is no cache of film steps: {self.renew()}"
            ) from None
        except (ValueError, KeyError, TypeError):
            raise FilmStepsError(
                f"{path} is broken: delete the folder; {self.renew()}"
            ) from None
        return found


def stamp_of(film: str | os.PathLike) -> dict:
    """Tells one content of a file from another: size, time of change, and samples.

    Of a file that is elsewhere, its size.

    Raises:
        FileNotFoundError: There is no such file.
    """
    if is_remote(os.fspath(film)):
        return dict(size=Store({}).size(os.fspath(film)))
    with open(film, "rb") as file:
        known = os.fstat(file.fileno())
        digest = hashlib.sha256()
        last = max(known.st_size - SAMPLE, 0)
        for part in range(SAMPLES):
            file.seek(last * part // (SAMPLES - 1))
            digest.update(file.read(SAMPLE))
    return dict(
        size=known.st_size, mtime_ns=known.st_mtime_ns, samples=digest.hexdigest()[:32]
    )
