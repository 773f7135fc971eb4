"""Which videos a command is to read: names, folders, patterns, lists, addresses."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from mmstconv.disk import is_remote, local_path, media_path, public_name

STDIN = Path("-")
LINE_END = re.compile(r"\r\n|\r|\n")
LABELS = re.compile(r"([ \t,]+-?\d+(\.\d+)?)+[ \t]*$")


class Named(NamedTuple):
    """A FILE of a command line.

    Args:
        path: On this machine, or an address (``https://``, ``s3://`` ...).
        is_list: Whether it is a list by the way it is written, ``@path``.
    """

    path: Path | str
    is_list: bool = False


def file_argument(text: str) -> Named:
    """The type of FILE.

    Raises:
        argparse.ArgumentTypeError: It is a list that is not on this machine.
    """
    is_list = text.startswith("@") and not os.path.lexists(text)
    return Named(local_path(text[1:]), True) if is_list else Named(media_path(text))


def meant_files(arguments: Iterable[Named]) -> list[Path | str]:
    """The files that arguments mean, each once: paths, and addresses.

    Folders mean all videos below them; patterns (``*``, ``?``, ``[...]``; ``**`` is any
    folders) what they match, unless a file has that very name; text files (``.txt``)
    and ``@path`` the files that :func:`listed_files` finds.

    Args:
        arguments: Of :func:`file_argument`.

    Raises:
        ValueError: A folder, a pattern or a list names none; or two addresses differ
            in their query alone, which nothing that is written shows.
        OSError: A list cannot be read.
    """
    files: dict[Path | str, None] = {}
    for named in arguments:
        found = list(_meant(*named))
        if not found:
            raise ValueError(f"there are no videos in {named.path}")
        files.update(dict.fromkeys(found))
    addresses: dict[str, str] = {}
    for one in filter(is_remote, files):
        name = public_name(one)
        if addresses.setdefault(name, one) != one:
            raise ValueError(
                f"two addresses {name} differ in what is behind '?' alone, which "
                "results do not show: give each a command and an --out of its own"
            )
    return list(files)


def _meant(path: Path | str, is_list: bool) -> Iterator[Path | str]:
    from mmstconv.media.video_files import videos_below

    if path == STDIN or is_remote(os.fspath(path)):
        yield path
    elif is_list or path.suffix.lower() == ".txt":
        yield from listed_files(path)
    elif path.is_dir():
        yield from videos_below(path)
    elif glob.has_magic(os.fspath(path)) and not os.path.lexists(path):
        for name in sorted(glob.glob(os.fspath(path), recursive=True)):
            yield from videos_below(name) if os.path.isdir(name) else [Path(name)]
    else:
        yield path


def listed_files(path: Path) -> Iterator[Path | str]:
    """The files of a list: a path or an address a line, labels behind it are left out.

    A path that is not there is looked for beside the list. Names that are no text keep
    their bytes.
    """
    text = path.read_text("utf-8-sig", "surrogateescape")
    for line in LINE_END.split(text):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        names = [line, LABELS.sub("", line)]
        if is_remote(line):
            yield names[1]
            continue
        tries = [where / name for name in names for where in (Path(), path.parent)]
        yield next((one for one in tries if one.is_file()), tries[-2])
