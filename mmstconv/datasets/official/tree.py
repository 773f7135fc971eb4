"""The files of a folder, listed once and found by name."""

from __future__ import annotations

import os
import re
from functools import cached_property
from pathlib import Path, PurePosixPath

from mmstconv.media.video_files import VIDEO_SUFFIXES

# Of files with sound alone, in small letters.
SOUND_SUFFIXES = frozenset(
    {".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a", ".aac", ".wma"}
)
MEDIA_SUFFIXES = VIDEO_SUFFIXES | SOUND_SUFFIXES


class Tree:
    """The files below a folder; none that are hidden. Links are followed.

    Args:
        root: The folder.

    Raises:
        NotADirectoryError: It is none.
    """

    def __init__(self, root: str | os.PathLike) -> None:
        self.root = Path(root)
        if not self.root.is_dir():
            raise NotADirectoryError(f"{self.root} is not a folder")
        #: Paths below the root, with ``/`` between their parts, sorted.
        self.files = sorted(_files_below(os.fspath(self.root)))

    def path(self, name: str) -> Path:
        """Where a file of the tree is."""
        return self.root / name

    def named(self, pattern: str) -> list[str]:
        """The files whose name, without folders, a regular expression matches whole."""
        fits = re.compile(pattern).fullmatch
        return [name for name in self.files if fits(name.rpartition("/")[2])]

    @cached_property
    def media(self) -> list[str]:
        """The files with pictures or sound, as their suffixes say."""
        return [name for name in self.files if suffix_of(name) in MEDIA_SUFFIXES]

    @cached_property
    def _media_by_stem(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name in self.media:
            found.setdefault(PurePosixPath(name).stem, []).append(name)
        for names in found.values():  # of two files of one name, the one with pictures
            names.sort(key=lambda name: suffix_of(name) in SOUND_SUFFIXES)
        return found

    def find(self, *stems: str, folder: str | None = None) -> str | None:
        """The media file of a name, wherever it is and whatever its suffix.

        Args:
            *stems: Names without suffix; the first one that is there counts.
            folder: That of the file, looked in first: one name may be in several.
        """
        for stem in stems:
            found = self._media_by_stem.get(stem)
            if found:
                inside = [n for n in found if PurePosixPath(n).parent.name == folder]
                return (inside or found)[0]
        return None


def suffix_of(name: str) -> str:
    """In small letters, with the dot."""
    base = name.rpartition("/")[2]
    stem, dot, suffix = base.rpartition(".")
    return f".{suffix}".lower() if dot and stem else ""


def _files_below(root: str) -> list[str]:
    found, seen = [], set()
    waiting = [("", root)]
    while waiting:
        below, folder = waiting.pop()
        place = os.path.realpath(folder)
        if place in seen:  # a link to a folder above, or a second way to this one
            continue
        seen.add(place)
        with os.scandir(folder) as entries:
            for entry in sorted(entries, key=lambda one: one.name):
                if entry.name[0] == ".":
                    continue
                if entry.is_dir():
                    waiting.append((f"{below}{entry.name}/", entry.path))
                else:
                    found.append(below + entry.name)
    return found
