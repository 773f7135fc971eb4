"""What the commands that run a model on the user's files share."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable
from pathlib import Path

from tqdm import tqdm

from mmstconv.media.video_files import videos_below


def add_shared_flags(parser: argparse.ArgumentParser) -> None:
    """Add what all of them take."""
    parser.add_argument("--device", help="default: a GPU if there is one")
    parser.add_argument(
        "--trust",
        action="store_true",
        help="open Python objects in the checkpoint, which may run code: only your own",
    )
    parser.add_argument(
        "--traceback",
        action="store_true",
        help="show where in the program an error arose, also one of the user's",
    )


def named_videos(paths: Iterable[Path]) -> list[Path]:
    """The videos that arguments name, each once.

    Args:
        paths: Videos, folders of them, or text files (``.txt``) with a path a line.

    Raises:
        ValueError: A folder or a text file names none.
    """
    videos: dict[Path, None] = {}
    for path in paths:
        named = [path]
        if path.is_dir():
            named = videos_below(path)
        elif path.suffix.lower() == ".txt":
            lines = path.read_text("utf-8", "surrogateescape").splitlines()
            named = [Path(line.strip()) for line in lines if line.strip()]
        if not named:
            raise ValueError(f"there are no videos in {path}")
        videos.update(dict.fromkeys(named))
    return list(videos)


def stamp(path: str | os.PathLike) -> list:
    """Tells one version of a file from another."""
    found = os.stat(path)
    return [os.fspath(path), found.st_size, found.st_mtime_ns]


def progress_bar(**options) -> tqdm:
    """tqdm's, which ends its line by ``with``, also before the message of an error."""
    if not sys.stderr.isatty():
        options["mininterval"] = 10  # a log wants few lines
    return tqdm(**options)
