"""What the commands that run a model on the user's files share."""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from tqdm import tqdm

from mmstconv.datasets.annotation import LINE_END
from mmstconv.disk import ForeignFile
from mmstconv.engine.configs import read_config
from mmstconv.media.video_files import videos_below

LONGEST_NAME = 200  # bytes, with room for what is written beside; a file may have 255


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
            lines = LINE_END.split(path.read_text("utf-8", "surrogateescape"))
            named = [Path(line.strip()) for line in lines if line.strip()]
        if not named:
            raise ValueError(f"there are no videos in {path}")
        videos.update(dict.fromkeys(named))
    return list(videos)


def default_out(path: Path, suffix: str) -> Path:
    """Where the result of a file or folder belongs if the user does not say.

    Args:
        path: Of the file or folder.
        suffix: That replaces its own.
    """
    stem = Path(os.path.abspath(path)).stem
    while len(os.fsencode(stem + suffix)) > LONGEST_NAME:
        stem = stem[:-1]
    return Path(stem + suffix)


@contextmanager
def only_writer(out: Path) -> Iterator[BinaryIO]:
    """A file of lines, for this process alone, to go on behind its last whole line.

    Raises:
        ForeignFile: Another process is writing it.
        OSError: It cannot be written.
    """
    with out.open("ab+", buffering=0) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ForeignFile(f"{out} is being written by another process") from None
        except OSError:
            pass  # a file system without locks
        file.seek(0)
        content = file.read()
        file.truncate(content.rfind(b"\n") + 1)
        yield file


def run_of(args: argparse.Namespace) -> dict:
    """What results depend on but for the files: config, with its bases, and weights."""
    text = json.dumps(read_config(args.config).to_dict(), default=str, sort_keys=True)
    weights = args.checkpoint  # what is no file the loader refuses, or fetches
    return dict(
        config=hashlib.sha256(text.encode()).hexdigest()[:32],
        checkpoint=stamp(weights) if os.path.isfile(weights) else weights,
        hop=args.hop,
    )


def stamp(path: str | os.PathLike) -> list:
    """Tells one version of a file from another."""
    found = os.stat(path)
    return [os.fspath(path), found.st_size, found.st_mtime_ns]


def progress_bar(**options) -> tqdm:
    """tqdm's, which ends its line by ``with``, also before the message of an error."""
    if not sys.stderr.isatty():
        options["mininterval"] = 10  # a log wants few lines
    return tqdm(**options)
