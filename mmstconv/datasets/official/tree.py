"""The files of a folder, listed once and found by name."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property, partial
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
            name = slashed(name)
        if "./" in name or "//" in name:
            name = PurePosixPath(name).as_posix()
        for root in self._roots:
            name = name.removeprefix(root)
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
            found = [name for _, name in self._media_by_stem.get(stem, ())]
            if found:
                inside = [n for n in found if PurePosixPath(n).parent.name == folder]
                return (inside or found)[0]
        return None

    def find_frames(self, name: str) -> str | None:
        """The folder of images of a name, wherever it is."""
        last = name.rpartition("/")[2]
        found = self._folders_by_name.get(last, ())
        return next((one for one in found if _ends(one, name)), None)

    def placing(self, names: Sequence[str], split: str | None) -> Callable[[str], str]:
        """Tells where the paths of a list are, as most of them say.

        They are below one folder of the tree. If none of them is there, the folders
        that all of them begin with are passed: those of the machine that the list was
        written on.

        Args:
            names: Of media files, or of folders of images.
            split: Of the list: no folder named for another one is taken.

        Returns:
            From a name to a path in the tree, whether or not something is there.
        """
        for reading in self._readings(names):
            base = self._base_of(map(reading, names), split)
            if base is not None:
                return lambda name: base + reading(name)
        return lambda name: name

    def stored(self, place: str) -> str | None:
        """The media file, of whatever suffix, or the folder of images of a path."""
        if place in self.image_folders:
            return place
        bare, alike = self._media_like(place)
        found = [one for path, one in alike if path == bare]
        return place if place in found else next(iter(found), None)

    def _readings(self, names: Sequence[str]) -> Iterator[Callable[[str], str]]:
        """Ways to read the paths of a list: whole first, then less and less of them."""
        yield self.below
        folders = {self.below(name).rpartition("/")[0] for name in names}
        parts = [folder.split("/") for folder in folders]
        lowest, highest = min(parts, default=[]), max(parts, default=[])
        root = self.root.absolute().name
        for count, (part, other) in enumerate(zip(lowest, highest), 1):
            if part != other:
                return
            # a name without any folder could be that of another file
            if part == root or count < len(lowest):
                yield partial(self._past, count)

    def _past(self, count: int, name: str) -> str:
        """A path without its first folders."""
        return self.below(name).split("/", count)[-1]

    def _base_of(self, names: Iterable[str], split: str | None) -> str | None:
        """What most paths have before the names that they end with."""
        counts: Counter[str] = Counter()
        for name in names:
            for base, worth in self._bases(name):
                counts[base] += worth
        others = {
            base
            for base in counts
            if split and {split_of(word) for word in WORD.findall(base)} - {None, split}
        }
        fitting = [base for base in counts if base not in others]
        return max(fitting, key=lambda base: (counts[base], base), default=None)

    def _bases(self, name: str) -> Iterator[tuple[str, int]]:
        """What paths have before a name; the more, the better they fit it."""
        for one in self._folders_by_name.get(name.rpartition("/")[2], ()):
            if _ends(one, name):
                yield one[: len(one) - len(name)], 3
        bare, alike = self._media_like(name)
        for path, one in alike:
            if _ends(path, bare):
                worth = 3 if _ends(one, name) else 1 if _of_sound(one) else 2
                yield path[: len(path) - len(bare)], worth

    def _media_like(self, name: str) -> tuple[str, Sequence[tuple[str, str]]]:
        """A name without its suffix, and the media of that name in any folder."""
        suffix = suffix_of(name)
        if suffix not in MEDIA_SUFFIXES:
            return name, ()  # of a folder
        bare = name[: -len(suffix)]
        return bare, self._media_by_stem.get(bare.rpartition("/")[2], ())

    @cached_property
    def _roots(self) -> tuple[str, str]:
        return f"{os.path.abspath(self.root)}/", f"{os.path.realpath(self.root)}/"

    @cached_property
    def _media_by_stem(self) -> dict[str, list[tuple[str, str]]]:
        """Paths without and with suffix, by the name without."""
        pairs = ((name[: -len(suffix_of(name))], name) for name in self.media)
        found = _grouped(pairs, lambda pair: pair[0].rpartition("/")[2])
        for names in found.values():  # of two files of one name, the one with pictures
            names.sort(key=lambda pair: _of_sound(pair[1]))
        return found

    @cached_property
    def _folders_by_name(self) -> dict[str, list[str]]:
        return _grouped(self.image_folders, lambda name: name.rpartition("/")[2])


def suffix_of(name: str) -> str:
    """In small letters, with the dot."""
    base = name.rpartition("/")[2]
    stem, dot, suffix = base.rpartition(".")
    return f".{suffix}".lower() if dot and stem else ""


def _of_sound(name: str) -> bool:
    return suffix_of(name) in SOUND_SUFFIXES


def _ends(path: str, name: str) -> bool:
    return path.endswith(name) and f"/{path}".endswith(f"/{name}")


def slashed(name: str) -> str:
    """A path as Windows writes it, with slashes."""
    return name.replace("\\", "/")


def _grouped(names, key) -> dict[str, list]:
    found: dict[str, list] = {}
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
