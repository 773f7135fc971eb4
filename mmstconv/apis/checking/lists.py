"""Which files are checked, and the annotation lists that name them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ...datasets.annotation import LINE_END, AnnotationError, read_rows, read_text
from ...disk import REMOTE_ADVICE, is_remote, public_name
from ...media.video_files import VIDEO_SUFFIXES, videos_below


class NamedFile(NamedTuple):
    """A line of a list.

    Args:
        number: Of the line, from 1.
        path: Of the file, as it is opened.
        name: As the list names it.
        labels: Its classes; none where the list has none.
    """

    number: int
    path: Path
    name: str
    labels: tuple[int, ...]


class FileList(NamedTuple):
    """An annotation list: ``path label`` a line, or a path alone."""

    path: Path
    files: list[NamedFile]

    def without(self, bad: set[Path]) -> str:
        """The text of the list without the lines of some files."""
        left_out = {one.number for one in self.files if one.path in bad}
        lines = LINE_END.split(read_text(str(self.path)))
        kept = [line for n, line in enumerate(lines, 1) if n not in left_out]
        return "\n".join(kept)


def read_list(path: Path, root: Path | None = None) -> FileList:
    """Reads an annotation list.

    Args:
        path: Of the list.
        root: Folder that its names are below. None: the list's own, or the current one
            if the first file lies there and not beside the list.

    Raises:
        FileNotFoundError: There is no such list.
        AnnotationError: Lines cannot be used; names them all.
    """
    rows = read_rows(str(path), multi_class=True)
    if root is None:
        beside = (path.parent / rows[0].name).exists()
        root = Path() if not beside and Path(rows[0].name).exists() else path.parent
    files, problems = [], []
    for row in rows:
        if is_remote(row.name):
            address = public_name(row.name)
            problems.append(f"{path}:{row.number}: {address} {REMOTE_ADVICE}")
            continue
        if "\0" in row.name:
            problems.append(f"{path}:{row.number}: contains a NUL byte")
            continue
        if not all(label.lstrip("+-").isdigit() for label in row.labels):
            labels = " ".join(row.labels)
            problems.append(f"{path}:{row.number}: label {labels!r} is not an integer")
            continue
        labels = tuple(map(int, row.labels))
        files.append(NamedFile(row.number, root / row.name, row.name, labels))
    if problems:
        raise AnnotationError(problems)
    return FileList(path, files)


def gather(
    places: Sequence[Path], root: Path | None = None
) -> tuple[list[Path], list[FileList]]:
    """The files that arguments name, each once and sorted, and the lists among them.

    Args:
        places: Files, folders of videos, and lists (``.txt``).
        root: As of :func:`read_list`.

    Raises:
        ValueError: A folder holds no video, or a list is of another form.
        FileNotFoundError: There is no such file, folder or list.
        AnnotationError: Lines of lists cannot be used.
    """
    files: set[Path] = set()
    lists, problems = [], []
    for place in places:
        if place.is_dir():
            found = videos_below(place)
            if not found:
                suffixes = ", ".join(sorted(VIDEO_SUFFIXES))
                raise ValueError(f"{place} holds no video ({suffixes})")
            files.update(found)
        elif place.suffix.lower() == ".txt":
            try:
                lists.append(read_list(place, root))
            except AnnotationError as error:
                problems += error.problems
        elif place.suffix.lower() in (".csv", ".json"):
            raise ValueError(
                f"{place} is no list of this form: 'path label' a line, as .txt; "
                "mmstconv init makes lists of official ones"
            )
        elif not place.exists():
            raise FileNotFoundError(f"there is no file or folder {place}")
        else:
            files.add(place)
    if problems:
        raise AnnotationError(problems)
    for one in lists:
        files.update(named.path for named in one.files)
    return sorted(files), lists
