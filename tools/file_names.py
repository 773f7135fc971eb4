"""Which of many files are a command's share, and names of what it writes of them."""

from __future__ import annotations

import argparse
import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from hashlib import sha256
from pathlib import Path

from mmstconv.disk import public_name

LONGEST_NAME = 200  # bytes, with room for what is written beside; a file may have 255
SHARD = re.compile(r"([0-9]+)/([0-9]+)")
PART = re.compile(r"\.([0-9]+)-of-([0-9]+)(?=\.)")


def add_shard_flag(parser: argparse.ArgumentParser) -> None:
    """Add ``--shard``, for :func:`share_of`."""
    parser.add_argument(
        "--shard",
        type=_shard,
        metavar="I/N",
        help="every N-th file from the I-th on, 0/N to N-1/N: a job each",
    )


def share_of(files: Iterable[Path], shard: str | None) -> list[Path]:
    """The files of one of several jobs, which together do each file once.

    Args:
        files: The same for all jobs, in any order.
        shard: ``'i/n'``, i from 0: every n-th of the sorted files, from the i-th on;
            there may be none. None: all, in their order.

    Raises:
        ValueError: ``shard`` is something else.
    """
    if shard is None:
        return list(files)
    number, count = _numbers(shard)
    return sorted(files, key=os.fsencode)[number::count]


def of_shard(path: Path, shard: str | None) -> Path:
    """Where a job's part of a result belongs that all write of: ``a.0-of-4.json``."""
    if shard is None:
        return path
    return path.with_name(shortened(path.stem, f".{part_of(shard)}{path.suffix}"))


def of_all_shards(path: Path, suffix: str) -> list[Path]:
    """What is there by a name of :func:`of_shard` and a suffix, of any job."""
    return sorted(
        one
        for one in path.parent.iterdir()
        for number, count in PART.findall(one.name)
        if int(number) < int(count)
        and one.name == of_shard(path, f"{number}/{count}").name + suffix
    )


def part_of(shard: str | None) -> str:
    """What a job is called where several write into one folder."""
    return "" if shard is None else "{}-of-{}".format(*_numbers(shard))


def _shard(text: str) -> str:
    try:
        _numbers(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def _numbers(shard: str) -> tuple[int, int]:
    """i and n."""
    found = SHARD.fullmatch(shard)
    number, count = map(int, found.groups()) if found else (0, 0)
    if not number < count:
        raise ValueError(
            f"a shard is I/N with I from 0 to N - 1, as 0/4 to 3/4; got {shard!r}"
        )
    return number, count


def key_of(path: Path | str) -> str:
    """What tells a file from others in what is written: of an address no secrets."""
    return public_name(os.fspath(path))


def ids_of(files: Sequence[Path | str]) -> dict[str, str]:
    """``{key: id}``: the name without suffix; where two have the same, the key."""
    names = {key: Path(key).stem for key in map(key_of, files)}
    counts = Counter(names.values())
    return {path: name if counts[name] == 1 else path for path, name in names.items()}


def plain_names(files: Sequence[Path | str]) -> dict[str, str]:
    """``{key: name}``, all different and without folders, for what is of each file."""
    plain = {
        path: name.strip("/").replace("../", "_/").replace("/", "_")
        for path, name in ids_of(files).items()
    }
    counts = Counter(plain.values())
    return {
        path: name if counts[name] == 1 else f"{name}-{digest_of(path)}"
        for path, name in plain.items()
    }


def fitting(stem: str, suffix: str) -> str:
    """A name that a file system takes; of a longer one a digest tells it apart."""
    if len(os.fsencode(stem + suffix)) <= LONGEST_NAME:
        return stem + suffix
    return shortened(stem, f"-{digest_of(stem)}{suffix}")


def digest_of(name: str) -> str:
    return sha256(os.fsencode(name)).hexdigest()[:12]


def shortened(stem: str, suffix: str) -> str:
    """A name that a file system takes: of a long stem its beginning."""
    while len(os.fsencode(stem + suffix)) > LONGEST_NAME:
        stem = stem[:-1]
    return stem + suffix
