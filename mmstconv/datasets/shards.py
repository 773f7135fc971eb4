"""Tars of samples, as webdataset lays them out, and an index of where each one lies.

A sample is the members of a tar that follow each other and have one name up to the
first dot: ``00012.mp4``, ``00012.cls``, ``00012.json``. The `format
<https://github.com/webdataset/webdataset>`_ has no index; with one, a sample is an
offset in a file, and a list of them is a data set like any other.
"""

from __future__ import annotations

import io
import json
import os
import re
import tarfile
from collections.abc import Iterator, Sequence
from typing import BinaryIO, NamedTuple

from ..media.video_files import VIDEO_SUFFIXES

FORMAT = "mmstconv shards 1"  # of an index
SOUND_SUFFIXES = {".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a", ".aac"}
MEDIA_SUFFIXES = VIDEO_SUFFIXES | SOUND_SUFFIXES
BRACES = re.compile(r"\{(\d+)\.\.(\d+)\}")
END = 1024  # bytes of zeros at the end of a tar
LABEL_BYTES = 1 << 20  # a larger .cls or .json is no label


class ShardedSample(NamedTuple):
    """A media file within a tar.

    Args:
        member: Its name there.
        offset: Of its first byte in the tar.
        size: In bytes.
        labels: Of the sample; None if nothing says them.
    """

    member: str
    offset: int
    size: int
    labels: list[int] | None


class Shard(NamedTuple):
    """A tar.

    Args:
        file: Its path or address; in an index its name beside that.
        size: In bytes.
        samples: In their order.
        problems: What cannot be used in it, ``member: reason`` each.
    """

    file: str
    size: int
    samples: list[ShardedSample]
    problems: list[str]


def expanded(pattern: str) -> list[str]:
    """``'a-{000..011}.tar'`` as webdataset writes it: the names it stands for."""
    found = BRACES.search(pattern)
    if found is None:
        return [pattern]
    first, last = found.groups()
    names = []
    for number in range(int(first), int(last) + 1):
        text = str(number).zfill(len(first))
        names += expanded(pattern[: found.start()] + text + pattern[found.end() :])
    return names


def read_shard(file: BinaryIO, name: str) -> Shard:
    """What is in a tar: only headers and labels are read.

    A tar that is cut off, or broken from some place on, gives the samples before it.

    Args:
        file: The tar, seekable.
        name: Its path or address.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(max(size - END, 0))
    whole = not any(file.read())
    file.seek(0)
    samples: list[ShardedSample] = []
    problems: list[str] = []
    try:
        with tarfile.open(fileobj=file, mode="r:") as tar:
            for key, members in _grouped(tar):
                sample, wrong = _sample(tar, key, members)
                problems += [f"{os.path.basename(name)}/{text}" for text in wrong]
                samples += [sample] if sample else []
        if not whole:
            problems.append(f"{name}: is cut off")
            if samples and samples[-1].labels is None:  # they may have been behind it
                samples.pop()
    except (tarfile.TarError, EOFError) as error:
        problems.append(f"{name}: cannot be read to its end: {error}")
    return Shard(name, size, samples, problems)


def _grouped(tar: tarfile.TarFile) -> Iterator[tuple[str, dict[str, tarfile.TarInfo]]]:
    """Key, and members by what follows it, of neighbours that have one key."""
    last, members = None, {}
    for member in tar:
        folder, _, name = member.name.rpartition("/")
        if not member.isfile() or member.issparse() or name.startswith((".", "__")):
            continue
        stem, _, ending = name.partition(".")
        key = f"{folder}/{stem}" if folder else stem
        if members and key != last:
            yield last, members
            members = {}
        last = key
        members[f".{ending.lower()}"] = member
    if members:
        yield last, members


def _sample(tar, key: str, members: dict) -> tuple[ShardedSample | None, list[str]]:
    media = [
        ending
        for ending in members
        if f".{ending.rpartition('.')[2]}" in MEDIA_SUFFIXES
    ]
    if not media:
        return None, [f"{key}: has no media file, only {' '.join(members)}"]
    labels, wrong = None, []
    for ending, read in ((".cls", _of_cls), (".json", _of_json)):
        if labels is None and ending in members:
            member = members[ending]
            try:
                if member.size > LABEL_BYTES:
                    raise ValueError("is too large")
                labels = read(tar.extractfile(member).read().decode())
            except ValueError as error:
                wrong.append(f"{member.name}: is no label: {error}")
    chosen = members[media[0]]
    if wrong:
        return None, wrong
    place = chosen.offset_data, chosen.size
    return ShardedSample(chosen.name, *place, labels), []


def _of_cls(text: str) -> list[int]:
    return [int(part) for part in re.split(r"[\s,]+", text.strip()) if part]


def _of_json(text: str) -> list[int] | None:
    """``{"label": 3}``, ``{"labels": [3, 5]}``, or the same without a name."""
    value = json.loads(text)
    if isinstance(value, dict):
        value = value.get("labels", value.get("label", value.get("cls")))
    if value is None:
        return None
    value = value if isinstance(value, list) else [value]
    if not all(isinstance(one, int) and not isinstance(one, bool) for one in value):
        raise ValueError(f"expected integers, got {value!r}")
    return value


def index_text(shards: Sequence[Shard]) -> str:
    """An index of tars that lie beside it."""
    lines = [
        json.dumps([os.path.basename(one.file), one.size, one.samples])
        for one in shards
    ]
    return json.dumps(FORMAT) + "\n" + "".join(f"{line}\n" for line in lines)


def read_index(text: str, path: str) -> list[Shard]:
    """The tars of an index.

    Args:
        text: Of the index.
        path: Where it is; the tars are beside it.

    Raises:
        ValueError: It is no index.
    """
    lines = io.StringIO(text)
    folder = path.rpartition("/")[0]
    try:
        if json.loads(next(lines, "")) != FORMAT:
            raise ValueError
        return [
            Shard(
                f"{folder}/{file}" if folder else file,
                size,
                [ShardedSample(*sample) for sample in samples],
                [],
            )
            for file, size, samples in map(json.loads, lines)
        ]
    except (ValueError, TypeError):
        raise ValueError(
            f"{path} is no index of shards: write one with tools/data/write_shards.py, "
            "or name the .tar files"
        ) from None
