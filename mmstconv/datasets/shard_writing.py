"""Writing tars of samples, as webdataset reads them, with an index."""

from __future__ import annotations

import io
import json
import os
import random
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from ..disk import is_own, own_file, refuse_foreign, write_own
from .shards import MEDIA_SUFFIXES, Shard, index_text, read_shard

Row = tuple[str, list[int]]


class Written(NamedTuple):
    """A tar that is there now.

    Args:
        path: Of it.
        samples: How many it has.
        kept: Whether it was there before, of the same files.
        failed: ``{file: reason}`` of those that could not be read.
    """

    path: Path
    samples: int
    kept: bool
    failed: dict[str, str]


def write_shards(
    rows: Sequence[Row], folder: Path, out: Path, name: str, count: int
) -> Iterator[Written]:
    """Writes files into tars ``name-000000.tar`` ... and ``name.index.json``.

    Files are spread over the tars at random, the same in each run, so that a reader
    that goes from tar to tar sees the classes mixed. A sample is ``00000012.mp4``,
    ``.json`` (``name`` and ``labels``) and, with one label, ``.cls``; 12 is its line.
    A run that was interrupted is gone on with: tars that are there, of the same files,
    stay as they are. Those that a run with more of them has left are deleted at the
    end: who reads all tars would read their samples twice.

    Args:
        rows: Path below ``folder``, and labels.
        folder: Of the files.
        out: Where to write.
        name: What the tars' names begin with.
        count: How many tars.

    Yields:
        Each tar as soon as it is whole.

    Raises:
        ValueError: There are more tars than files, or the suffix of a file is none of
            a video or of sound, by which readers find it in its sample.
        FileNotFoundError: A file does not exist.
        ForeignFile: Files are in the way that were not written here.
    """
    if not 1 <= count <= len(rows):
        raise ValueError(
            f"the number of shards must lie in 1..{len(rows)}, the files of {name}, "
            f"got {count}"
        )
    unfit = [path for path, _ in rows if _suffix(path) not in MEDIA_SUFFIXES]
    if unfit:
        raise ValueError(
            f"{len(unfit)} of {len(rows)} files have no suffix of a video or of sound, "
            f"and no reader would find them in a shard, such as {folder / unfit[0]}"
        )
    missing = [path for path, _ in rows if not (folder / path).is_file()]
    if missing:
        raise FileNotFoundError(
            f"{len(missing)} of {len(rows)} files do not exist, such as "
            f"{folder / missing[0]}"
        )
    out.mkdir(parents=True, exist_ok=True)
    index = out / f"{name}.index.json"
    paths = [out / f"{name}-{number:06d}.tar" for number in range(count)]
    refuse_foreign([*paths, index])
    order = list(range(len(rows)))
    random.Random(0).shuffle(order)
    shards: list[Shard] = []
    for number, path in enumerate(paths):
        chosen = sorted(order[number::count])
        wanted = [(line, *rows[line]) for line in chosen]
        failed: dict[str, str] = {}
        kept = path.is_file() and is_own(path) and _holds(path, folder, wanted)
        if not kept:
            with own_file(path) as part, open(part, "wb") as file:
                failed = _write(file, folder, wanted)
        with open(path, "rb") as file:
            shards.append(read_shard(file, str(path)))
        yield Written(path, len(shards[-1].samples), kept, failed)
    write_own(index, index_text(shards))
    for path in out.glob(f"{name}-*.tar"):  # of a run with more of them
        number = path.stem.removeprefix(f"{name}-")
        if number.isdecimal() and int(number) >= count and is_own(path):
            path.unlink()


def _write(file, folder: Path, wanted: Sequence[tuple]) -> dict[str, str]:
    failed = {}
    with tarfile.open(fileobj=file, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for line, name, labels in wanted:
            try:
                with open(folder / name, "rb") as source:
                    state = os.fstat(source.fileno())
                    content = source.read()
            except OSError as error:
                failed[name] = error.strerror or str(error)
                continue
            for ending, part in _members(name, labels, content):
                member = tarfile.TarInfo(f"{line:08d}{ending}")
                member.size, member.mtime = len(part), int(state.st_mtime)
                tar.addfile(member, io.BytesIO(part))
    return failed


def _suffix(name: str) -> str:
    return os.path.splitext(name)[1].lower()


def _members(
    name: str, labels: list[int], content: bytes | None
) -> Iterator[tuple[str, bytes]]:
    about = json.dumps(dict(name=name, labels=labels)).encode()
    yield _suffix(name), content
    if len(labels) == 1:
        yield ".cls", str(labels[0]).encode()
    yield ".json", about


def _holds(path: Path, folder: Path, wanted: Sequence[tuple]) -> bool:
    """Whether a tar is of these files as they are now."""
    expected = {}
    for line, name, labels in wanted:
        state = (folder / name).stat()
        for ending, part in _members(name, labels, None):
            size = state.st_size if part is None else len(part)
            expected[f"{line:08d}{ending}"] = size, int(state.st_mtime), part
    try:
        with tarfile.open(path, "r:") as tar:
            found = {
                member.name: (
                    member.size,
                    int(member.mtime),
                    tar.extractfile(member).read()
                    if member.name.endswith((".json", ".cls"))
                    else None,
                )
                for member in tar
            }
    except tarfile.TarError:
        return False
    return found == expected
