"""Work on many files in actors of Ray, kept in parts: Parquet files, one a chunk.

A part is written when its chunk is over, whole or not at all, so that a run that has
ended at any moment goes on with the parts that are missing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from ..disk import FolderLock, ForeignFile, is_own, own_file, remove_unfinished
from ..engine.ray_chunks import Lost, run_chunks

NO_TABLES = "parts need pyarrow: pip install 'mmstconv[ray]'"
PATTERN = "part-*-of-*.parquet"
KEY = b"mmstconv"  # of a part's metadata: what it depends on beside the files
MOST_FILES = 256  # of a chunk
PARTS = 100  # at least, of many files


class Item(NamedTuple):
    """A file to work on.

    Args:
        path: As the user names it; of an address without its secrets.
        stamp: Tells one version of it from another, of JSON's types; None: none is
            there.
        more: What the work has to know of it.
    """

    path: str
    stamp: object
    more: object = None


def chunk_size(files: int) -> int:
    """Files of a chunk, if the user does not say: what one actor loses if it dies."""
    return max(1, min(MOST_FILES, files // PARTS))


class Parts:
    """The parts of a folder.

    A row of a part is what was found in a file, of JSON's types, with its ``path`` and
    ``stamp``. Rows with an ``error`` are not kept for the next run: it tries again.

    Args:
        folder: Made if it is not there.
        key: What rows depend on beside the files, of JSON's types.

    Raises:
        ForeignFile: The folder has parts of another key, or files of these names that
            were not written here.
        ImportError: pyarrow is not installed; says what to install.
    """

    def __init__(self, folder: Path, key: Mapping) -> None:
        require_pyarrow()
        self.folder, self.key = folder, json.loads(json.dumps(key))
        self.rows: dict[Path, list[dict]] = {}
        for path in sorted(folder.glob(PATTERN)):
            made, rows = _read(path) if is_own(path) else (None, [])
            if made != self.key:
                raise ForeignFile(
                    f"{path} is there and is no part of this command with these "
                    f"weights and options: delete {folder}, or write to another place"
                )
            self.rows[path] = rows

    def known(self) -> dict[tuple, dict]:
        """What was found, by path and stamp."""
        rows = (row for rows in self.rows.values() for row in rows)
        return {_id(r["path"], r["stamp"]): r for r in rows if not r.get("error")}

    def write(self, path: Path, rows: list[dict]) -> None:
        """A part, unless it is there already."""
        if self.rows.get(path) != rows:
            _write(path, self.key, rows)
            self.rows[path] = rows

    def drop_others(self, paths: Sequence[Path]) -> None:
        """Parts of another division of the files: their rows are in these now."""
        for path in self.rows.keys() - set(paths):
            path.unlink(missing_ok=True)
            del self.rows[path]


def run_parts(
    folder: Path,
    key: Mapping,
    items: Sequence[Item],
    start: Callable[[], Callable[[list[Item]], list[dict]]],
    *,
    size: int | None = None,
    actors: int | None = None,
    gpus: bool = False,
    known: Mapping[str, dict] = MappingProxyType({}),
    is_there: Callable[[dict], bool] = lambda row: True,
    warn: Callable[[str], None] = lambda text: None,
) -> Iterator[dict]:
    """Rows of files; those that earlier runs have found are given first.

    Args:
        folder: Of the parts.
        key: As of :class:`Parts`.
        items: In order; their paths differ.
        start: As of :func:`~mmstconv.engine.ray_chunks.run_chunks`; the work gives a
            row for each item, of JSON's types, with an ``error`` if it is not usable.
        size: Files of a chunk; None: :func:`chunk_size`.
        actors: As of :func:`~mmstconv.engine.ray_chunks.run_chunks`.
        gpus: The same.
        known: Rows of files that are known from elsewhere, by path.
        is_there: Whether what a row of an earlier run tells of is still there.
        warn: Told what cannot be done here.

    Yields:
        The row of each file as soon as its part is written; ``lost`` is in those of
        files that every process has died of.

    Raises:
        FolderInUse: Another process works on these parts.
        Others: As of :class:`Parts` and ``run_chunks``.
    """
    advice = "Wait for it or end it"
    lock = FolderLock(folder, "a run of Ray's engine", advice, warn)
    try:
        remove_unfinished(folder)
        parts = Parts(folder, key)
        stamps = {item.path: item.stamp for item in items}
        known = {_id(name, stamps[name]): row for name, row in known.items()}
        known = {at: row for at, row in parts.known().items() if is_there(row)} | known
        divided = _divided(folder, items, size or chunk_size(len(items)))
        left = {
            path: [i for i, item in enumerate(chunk) if _id(*item[:2]) not in known]
            for path, chunk in divided.items()
        }
        for path, chunk in divided.items():
            if not left[path]:
                yield from _finish(parts, path, chunk, known, {})
        todo = [path for path in divided if left[path]]
        chunks = [[divided[path][i] for i in left[path]] for path in todo]
        for number, answers in run_chunks(chunks, start, actors, gpus=gpus):
            path = todo[number]
            found = dict(zip(left[path], map(_row, answers)))
            yield from _finish(parts, path, divided[path], known, found)
        parts.drop_others(list(divided))
    finally:
        lock.release()


def _divided(
    folder: Path, items: Sequence[Item], size: int
) -> dict[Path, Sequence[Item]]:
    """The items of each part."""
    starts = range(0, len(items), size)
    return {
        folder / f"part-{i:05d}-of-{len(starts):05d}.parquet": items[at : at + size]
        for i, at in enumerate(starts)
    }


def _finish(
    parts: Parts,
    path: Path,
    chunk: Sequence[Item],
    known: Mapping[tuple, dict],
    found: Mapping[int, dict],
) -> list[dict]:
    """Writes a part; its rows."""
    rows = []
    for i, item in enumerate(chunk):
        row = found[i] if i in found else known[_id(*item[:2])]
        rows.append(dict(row, path=item.path, stamp=item.stamp))
    rows = json.loads(json.dumps(rows))  # as they are read
    parts.write(path, rows)
    return rows


def _row(answer: dict | Lost) -> dict:
    if isinstance(answer, Lost):
        return dict(error=answer.reason, lost=True)
    return answer


def _id(path: str, stamp: object) -> tuple[str, str]:
    return path, json.dumps(stamp)


def require_pyarrow() -> None:
    """Raise unless parts can be written.

    Raises:
        ImportError: They cannot; says what to install.
    """
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError:
        raise ImportError(NO_TABLES) from None


def _write(path: Path, key: Mapping, rows: Sequence[Mapping]) -> None:
    """A table with a column for each plain value of the rows, to be looked at.

    The column ``row`` has the whole row as JSON, which is what is read again: tables
    know neither names that are no text nor values that are left out.
    """
    import pyarrow
    from pyarrow import parquet

    names = dict.fromkeys(["path", "error", *(name for row in rows for name in row)])
    columns = {}
    for name in names:
        values = [row.get(name) for row in rows]
        kinds = {type(value) for value in values} - {type(None)}
        if kinds <= {str}:
            columns[name] = pyarrow.array(map(_text, values), pyarrow.string())
        elif kinds <= {int, float} or kinds <= {bool}:
            columns[name] = pyarrow.array(values)
    columns["row"] = pyarrow.array(map(json.dumps, rows), pyarrow.string())
    table = pyarrow.table(columns)
    table = table.replace_schema_metadata({KEY: json.dumps(key)})
    with own_file(path) as part:
        parquet.write_table(table, part)


def _text(value: str | None) -> str | None:
    """Of names that are no text, bytes are escapes."""
    return None if value is None else value.encode("utf-8", "backslashreplace").decode()


def _read(path: Path) -> tuple[object, list[dict]]:
    """The key and the rows of a part; None and none of another table."""
    import pyarrow
    from pyarrow import parquet

    try:
        table = parquet.read_table(path)
        key = json.loads(table.schema.metadata[KEY])
        return key, [json.loads(row) for row in table.column("row").to_pylist()]
    except (OSError, ValueError, KeyError, TypeError, pyarrow.ArrowException):
        return None, []
