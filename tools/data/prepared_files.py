"""Which files are prepared, where they go, and what is there already."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

JOURNAL = "prepared.jsonl"
SUFFIXES = {
    *(".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".wmv", ".asf", ".flv", ".3gp"),
    *(".mpg", ".mpeg", ".ts", ".mts", ".m2ts", ".ogv", ".mxf"),
}


class Job(NamedTuple):
    """A file to re-encode; paths are below the folders given, with slashes."""

    source: str
    target: str


def state_of(path: Path) -> tuple[int, int]:
    """Size and time of change."""
    found = path.stat()
    return found.st_size, found.st_mtime_ns


class Journal:
    """What has been made in a folder, a line of JSON each; the last of a file counts.

    Only one process at a time has it open.

    Args:
        folder: Where the files are.
        settings: Of this run, as text.
    """

    def __init__(self, folder: Path, settings: str) -> None:
        self.folder, self.settings = folder, settings
        folder.mkdir(parents=True, exist_ok=True)
        self._file = open(folder / JOURNAL, "a+b")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ValueError(f"another run is writing to '{folder}'") from None
        self._file.seek(0)
        self._made = {}
        line = b"\n"
        for line in self._file:
            try:
                target, *entry = json.loads(line)
                self._made[target] = entry
            except (ValueError, TypeError):  # cut off when the machine went down
                continue
        if not line.endswith(b"\n"):
            self._file.write(b"\n")

    def has(self, job: Job, root: Path) -> bool:
        """Whether the target is there, of this source as it is now, and of these
        settings."""
        entry = self._made.get(job.target)
        try:
            source = state_of(root / job.source)
            size = (self.folder / job.target).stat().st_size
        except OSError:
            return False
        return entry == [job.source, *source, size, self.settings]

    def add(self, job: Job, source: tuple[int, int], size: int) -> None:
        """Notes a file that was made.

        Args:
            job: What was made of what.
            source: State of the source before it was read.
            size: Of the target in bytes.
        """
        entry = [job.source, *source, size, self.settings]
        self._file.write(json.dumps([job.target, *entry]).encode() + b"\n")
        self._file.flush()

    def close(self) -> None:
        self._file.close()


def videos_below(root: Path, out: Path) -> list[str]:
    """The videos of a folder, told by their suffix; not those in the target folder."""
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = [
            name
            for name in folders
            if not name.startswith(".") and not same_folder(Path(folder, name), out)
        ]
        found += [
            Path(folder, name).relative_to(root).as_posix()
            for name in names
            if not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES
        ]
    return sorted(found)


def same_folder(one: Path, other: Path) -> bool:
    """Whether both are there and the same."""
    return other.exists() and one.exists() and one.samefile(other)


def target_names(names: Iterable[str], root: Path) -> dict[str, str]:
    """Where files go. A name is given by what the folder holds, not by what is asked
    for, so it is the same for each annotation file.

    Args:
        names: Paths below ``root``.
        root: Folder of the sources.
    """
    names = set(names)
    present = set(names)
    for folder in {os.path.dirname(name) for name in names}:
        try:
            beside = os.listdir(root / folder)
        except OSError:
            continue
        present.update(
            f"{folder}/{name}" if folder else name
            for name in beside
            if Path(name).suffix.lower() in SUFFIXES
        )
    wishes: dict[str, list[str]] = {}
    for name in sorted(present):
        stem, suffix = os.path.splitext(name)
        stem = stem if suffix.lower() in SUFFIXES else name
        wishes.setdefault(f"{stem}.mp4", []).append(name)
    targets, taken = {}, set(wishes)
    for target, rivals in wishes.items():
        for name in rivals:
            if name == target or len(rivals) == 1:
                targets[name] = target
                continue
            own = f"{name}.mp4"
            while own in taken:
                own += ".mp4"
            taken.add(own)
            targets[name] = own
    return {name: targets[name] for name in sorted(names)}
