"""The files of a folder, listed once and found by name."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path, PurePosixPath

from mmstconv.media.video_files import VIDEO_SUFFIXES

from ..events.csv_text import named_columns
from .layout import split_of

# Of files with sound alone, in small letters.
SOUND_SUFFIXES = frozenset(
    {".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a", ".aac", ".wma"}
)
MEDIA_SUFFIXES = VIDEO_SUFFIXES | SOUND_SUFFIXES
IMAGE = re.compile(r"(?P<kind>[A-Za-z_]*?)_?[0-9]+\.(?:jpe?g|png)", re.IGNORECASE)
WORD = re.compile(r"[A-Za-z]+")
HEAD = 4096  # bytes in which a table names its columns


class Tree:
    """The files below a folder; none that are hidden. Links are followed.

    Of images only their folders are kept: frames may be very many.

    Args:
        root: The folder.

    Raises:
        NotADirectoryError: It is none.
    """

    def __init__(self, root: str | os.PathLike) -> None:
        self.root = Path(root)
        if not self.root.is_dir():
            raise NotADirectoryError(f"{self.root} is not a folder")
        files, folders = _files_below(os.fspath(self.root))
        #: Paths below the root, with ``/`` between their parts, sorted.
        self.files = sorted(files)
        #: Folders of numbered images, and what names begin with: ``img``, ``flow_x``.
        self.image_folders = dict(sorted(folders.items()))

    def path(self, name: str) -> Path:
        """Where a file of the tree is."""
        return self.root / name

    def below(self, name: str) -> str:
        """A path of a list as one below the root, if it can be.

        It may be absolute, begin with ``./``, or have been written on Windows.

        Args:
            name: As the list has it.
        """
        if "\\" in name and not self.path(name).exists():
            name = name.replace("\\", "/")
        name = PurePosixPath(name).as_posix()
        for root in (os.path.abspath(self.root), os.path.realpath(self.root)):
            name = name.removeprefix(f"{root}/")
        return name

    def named(self, pattern: str) -> list[str]:
        """The files whose name, without folders, a regular expression matches whole."""
        fits = re.compile(pattern).fullmatch
        return [name for name in self.files if fits(name.rpartition("/")[2])]

    def has_columns(self, name: str, columns: Sequence[str]) -> bool:
        """Whether the first line of a table names some columns."""
        try:
            with self.path(name).open("rb") as file:
                head = file.read(HEAD).decode("utf-8-sig", "replace")
        except OSError:
            return False
        return set(columns) <= named_columns(head)

    @cached_property
    def media(self) -> list[str]:
        """The files with pictures or sound, as their suffixes say."""
        return [name for name in self.files if suffix_of(name) in MEDIA_SUFFIXES]

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

    def find_frames(self, name: str) -> str | None:
        """The folder of images of a name, wherever it is."""
        return next(iter(self._ending(name, self._folders_by_name)), None)

    def base_of(self, names: Iterable[str], split: str | None) -> str:
        """The folder that the paths of a list are below, as most of them say.

        Args:
            names: Of files, or of folders of images.
            split: Of the list: no folder named for another one is taken.

        Returns:
            What to put before a name; empty, or with a slash at its end.
        """
        counts: Counter[str] = Counter()
        for name in names:
            for index in (self._files_by_name, self._folders_by_name):
                for one in self._ending(name, index):
                    counts[one[: len(one) - len(name)]] += 1
        others = {
            base
            for base in counts
            if split and {split_of(word) for word in WORD.findall(base)} - {None, split}
        }
        fitting = [base for base in counts if base not in others]
        return max(fitting, key=lambda base: (counts[base], base), default="")

    def holds(self, name: str) -> bool:
        """Whether there is a file, or a folder of images, of that path."""
        return name in self._all_files or name in self.image_folders

    @staticmethod
    def _ending(name: str, index: Mapping[str, Sequence[str]]) -> list[str]:
        """Paths that end like that of a list."""
        last = name.rpartition("/")[2]
        return [one for one in index.get(last, ()) if f"/{one}".endswith(f"/{name}")]

    @cached_property
    def _all_files(self) -> frozenset[str]:
        return frozenset(self.files)

    @cached_property
    def _media_by_stem(self) -> dict[str, list[str]]:
        found = _grouped(self.media, lambda name: PurePosixPath(name).stem)
        for names in found.values():  # of two files of one name, the one with pictures
            names.sort(key=lambda name: suffix_of(name) in SOUND_SUFFIXES)
        return found

    @cached_property
    def _files_by_name(self) -> dict[str, list[str]]:
        return _grouped(self.files, lambda name: name.rpartition("/")[2])

    @cached_property
    def _folders_by_name(self) -> dict[str, list[str]]:
        return _grouped(self.image_folders, lambda name: name.rpartition("/")[2])


def suffix_of(name: str) -> str:
    """In small letters, with the dot."""
    base = name.rpartition("/")[2]
    stem, dot, suffix = base.rpartition(".")
    return f".{suffix}".lower() if dot and stem else ""


def _grouped(names, key) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(key(name), []).append(name)
    return found


def _files_below(root: str) -> tuple[list[str], dict[str, set[str]]]:
    """Paths of files, and kinds of images by folder."""
    found, folders, seen = [], {}, set()
    waiting = [("", root)]
    while waiting:
        below, folder = waiting.pop()
        place = os.path.realpath(folder)
        if place in seen:  # a link to a folder above, or a second way to this one
            continue
        seen.add(place)
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name[0] == ".":
                    continue
                if entry.is_dir():
                    waiting.append((f"{below}{entry.name}/", entry.path))
                elif match := IMAGE.fullmatch(entry.name):
                    folders.setdefault(below[:-1], set()).add(match["kind"])
                else:
                    found.append(below + entry.name)
    return found, folders
