"""What the commands that run a model on the user's files share."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import starting  # noqa: F401  (what threads do is read with numpy, which comes below)
from file_names import add_shard_flag, shortened
from named_files import file_argument
from tqdm import tqdm

from mmstconv.disk import is_remote, public_name
from mmstconv.media.remote import Store, open_at

if TYPE_CHECKING:
    from torch import nn

THRESHOLD = 0.3  # as mmstconv.apis.detect, which takes long to import, has it


def add_model_and_files(parser: argparse.ArgumentParser, or_else: str = "") -> None:
    """Add the arguments of a command that says something of many videos.

    Args:
        parser: Of the command.
        or_else: What a FILE may be beside a video, a folder and a list, for its help.
    """
    parser.add_argument("config", help="config the checkpoint was trained with")
    parser.add_argument("checkpoint", help="checkpoint file")
    add_files(parser, or_else)


def add_files(parser: argparse.ArgumentParser, or_else: str = "") -> None:
    """Add FILE, once or more, for :func:`meant_files`, and ``--shard``."""
    parser.add_argument(
        "files",
        nargs="+",
        type=file_argument,
        metavar="FILE",
        help="video or its address, folder of videos, pattern (*.mp4), or list (.txt, "
        f"@list){or_else}",
    )
    add_shard_flag(parser)


def add_event_flags(parser: argparse.ArgumentParser, when: str = "") -> None:
    """Add what commands take that find events along films.

    Args:
        parser: Of the command.
        when: Begins the help of ``--threshold``.
    """
    parser.add_argument(
        "--threshold",
        type=float,
        default=THRESHOLD,
        help=f"{when}what scores less is no event; default: %(default)s",
    )
    parser.add_argument(
        "--hop", type=int, help="frames between windows; default: half of one"
    )


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


def default_out(path: Path | str, suffix: str) -> Path:
    """Where the result of a file or folder belongs if the user does not say.

    Args:
        path: Of the file or folder, or the address of a file.
        suffix: That replaces its own.
    """
    if is_remote(os.fspath(path)):
        return Path(shortened(Path(public_name(path)).stem, suffix))
    return Path(shortened(Path(os.path.abspath(path)).stem, suffix))


def load(args: argparse.Namespace) -> nn.Module:
    """The model of ``config`` and ``checkpoint``, with the flags that all take."""
    from mmstconv.apis import load_recognizer

    return load_recognizer(args.config, args.checkpoint, args.device, trust=args.trust)


def run_of(args: argparse.Namespace) -> dict:
    """What results depend on but for the files: the model, and the hop."""
    return dict(model_of(args.config, args.checkpoint), hop=args.hop)


def model_of(config: str, checkpoint: str) -> dict:
    """Tells one model from another: config, with its bases, and weights."""
    from mmstconv.engine.configs import read_config

    text = json.dumps(
        read_config(config, parts=()).to_dict(), default=str, sort_keys=True
    )
    here = os.path.isfile(checkpoint)  # what is no file the loader refuses, or fetches
    return dict(
        config=hashlib.sha256(text.encode()).hexdigest()[:32],
        checkpoint=stamp(checkpoint) if here else checkpoint,
    )


def stamp(path: str | os.PathLike) -> list:
    """Tells one version of a file from another."""
    if is_remote(os.fspath(path)):
        return [public_name(path), Store({}).size(path)]
    found = os.stat(path)
    return [os.fspath(path), found.st_size, found.st_mtime_ns]


def progress_bar(**options) -> tqdm:
    """tqdm's, which ends its line by ``with``, also before the message of an error."""
    if not sys.stderr.isatty():
        options["mininterval"] = 10  # a log wants few lines
    return tqdm(**options)


class FilmBar(NamedTuple):
    """How far a film has been read.

    Args:
        bar: Of its seconds.
        begin: Of the film, in seconds.
        end: Of the film.
    """

    bar: tqdm
    begin: float
    end: float

    def reach(self, now: float) -> None:
        """The film is read up to that second."""
        self.bar.update(round(now - self.begin) - self.bar.n)


@contextmanager
def film_bar(path: str | os.PathLike) -> Iterator[FilmBar]:
    """A progress bar for a film.

    Raises:
        FileNotFoundError: There is no such file.
        MediaError: It is no readable video; the message names it.
    """
    with open_at(path) as media:
        begin, end = media.extent
    whole = dict(desc=public_name(os.fspath(path)), total=round(end - begin), unit="s")
    with progress_bar(**whole) as bar:
        yield FilmBar(bar, begin, end)
