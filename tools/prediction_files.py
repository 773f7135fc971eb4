"""Which files predict is told to read: names, folders, patterns, lists, its input."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from mmstconv.disk import local_path

STDIN = Path("-")
LINE_END = re.compile(r"\r\n|\r|\n")
LABELS = re.compile(r"([ \t,]+-?\d+(\.\d+)?)+[ \t]*$")


def file_argument(text: str) -> tuple[str, Path]:
    """The type of FILE: how it is written, and the path in it.

    Raises:
        argparse.ArgumentTypeError: It is not on this machine.
    """
    listed = text.startswith("@") and not os.path.lexists(text)
    return ("list", local_path(text[1:])) if listed else ("", local_path(text))


def meant_files(arguments: Iterable[tuple[str, Path]]) -> list[Path]:
    """The files that arguments mean, each once.

    Args:
        arguments: Of :func:`file_argument`.

    Raises:
        ValueError: A folder, a pattern or a list names none.
        OSError: A list cannot be read.
    """
    files: dict[Path, None] = {}
    for kind, path in arguments:
        found = list(_meant(kind, path))
        if not found:
            raise ValueError(f"there are no videos in {path}")
        files.update(dict.fromkeys(found))
    return list(files)


def _meant(kind: str, path: Path) -> Iterator[Path]:
    from mmstconv.media.video_files import videos_below

    if path == STDIN:
        yield path
    elif kind == "list" or path.suffix.lower() == ".txt":
        yield from listed_files(path)
    elif path.is_dir():
        yield from videos_below(path)
    elif glob.has_magic(os.fspath(path)) and not os.path.lexists(path):
        for name in sorted(glob.glob(os.fspath(path), recursive=True)):
            yield from videos_below(name) if os.path.isdir(name) else [Path(name)]
    else:
        yield path


def listed_files(path: Path) -> Iterator[Path]:
    """The files of a list: a path a line, labels behind it are left out.

    A path that is not there is looked for beside the list. Names that are no text keep
    their bytes.
    """
    text = path.read_text("utf-8-sig", "surrogateescape")
    for line in LINE_END.split(text):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        names = [line, LABELS.sub("", line)]
        tries = [where / name for name in names for where in (Path(), path.parent)]
        yield next((one for one in tries if one.is_file()), tries[-2])
