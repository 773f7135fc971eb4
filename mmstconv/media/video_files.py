"""Which files of a folder are videos: told by their names, none is opened."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

# Of containers that hold video, in small letters.
VIDEO_SUFFIXES = frozenset(
    {
        *(".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".wmv", ".asf", ".flv"),
        *(".3gp", ".mpg", ".mpeg", ".ts", ".mts", ".m2ts", ".ogv", ".mxf"),
    }
)


def videos_below(
    folder: str | os.PathLike, skip: Callable[[Path], bool] = lambda below: False
) -> list[Path]:
    """The videos of a folder and of those below it, in order; none that are hidden.

    Links are followed, into each folder once.

    Args:
        folder: Where to look.
        skip: Tells of each folder below it whether to leave it out.
    """
    found, seen = [], set()
    for where, folders, names in os.walk(folder, followlinks=True):
        place = os.path.realpath(where)
        if place in seen:  # a link to a folder above, or a second way to this one
            folders.clear()
            continue
        seen.add(place)
        folders[:] = [
            name for name in folders if name[0] != "." and not skip(Path(where, name))
        ]
        found += [
            Path(where, name)
            for name in names
            if name[0] != "." and Path(name).suffix.lower() in VIDEO_SUFFIXES
        ]
    return sorted(found)
