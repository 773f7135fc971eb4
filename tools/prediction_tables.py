"""What predict says of files: as text, JSON lines, CSV or Parquet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from file_names import key_of
from file_results import FileResults
from named_files import STDIN

from mmstconv.disk import own_file, write_own

NO_TABLES = "Parquet needs pyarrow: pip install 'mmstconv[tables]'"


def as_text(name: str, record: Mapping) -> str:
    """Lines for people."""
    if record.get("error"):
        return f"{name}: {record['error']}\n"
    present = [key for key, here in record["presence"].items() if here]
    lines = [f"{name} ({', '.join(present)})"]
    if record["first"]:
        first, score = record["first"]
        lines.append(f"  no class reaches the threshold; first is {score:.1%}  {first}")
    width = max((len(one["name"]) for one in record["classes"]), default=0)
    for one in record["classes"]:
        said = "  ".join(f"{m} {p:.0%}" for m, p in one["streams"].items())
        line = f"  {one['score']:6.1%}  {one['name']:{width}}   {said}"
        lines.append(line.rstrip())
    return "\n".join(lines) + "\n"


def as_json_line(name: str, record: Mapping) -> str:
    """One line; of names that are no text, bytes are escapes."""
    known = {key: record.get(key) for key in ("classes", "presence", "damage", "error")}
    return json.dumps(dict(file=name, **known)) + "\n"


def rows_of(name: str, record: Mapping) -> Iterator[dict]:
    """A row for each class; one without a class for a file that has none."""
    presence = [key for key, here in (record.get("presence") or {}).items() if here]
    shared = dict(
        file=name,
        presence="+".join(presence),
        damage="; ".join(record.get("damage") or ()),
        error=record.get("error"),
    )
    for rank, one in enumerate(record.get("classes") or (), 1):
        streams = {f"score_{m}": p for m, p in one["streams"].items()}
        yield dict(shared, rank=rank, label=one["name"], score=one["score"], **streams)
    if not record.get("classes"):
        yield shared


def columns_of(rows: Sequence[Mapping]) -> list[str]:
    """The columns of a table, those of streams in the order in which they come."""
    streams = dict.fromkeys(k for row in rows for k in row if k.startswith("score_"))
    first = ["file", "rank", "label", "score"]
    return [*first, *streams, "presence", "damage", "error"]


def as_csv(rows: Sequence[Mapping]) -> str:
    with io.StringIO(newline="") as file:
        writer = csv.DictWriter(file, columns_of(rows), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return file.getvalue()


def write_parquet(path: Path, rows: Sequence[Mapping]) -> None:
    """A table; of names that are no text, bytes are escapes."""
    import pyarrow
    from pyarrow import parquet

    plain = {"rank": pyarrow.int32()}
    fields = [
        pyarrow.field(
            name,
            plain.get(
                name,
                pyarrow.float64() if name.startswith("score") else pyarrow.string(),
            ),
        )
        for name in columns_of(rows)
    ]
    text = [
        {
            key: value.encode("utf-8", "backslashreplace").decode()
            if isinstance(value, str)
            else value
            for key, value in row.items()
        }
        for row in rows
    ]
    table = pyarrow.Table.from_pylist(text, schema=pyarrow.schema(fields))
    with own_file(path) as part:
        parquet.write_table(table, part)


def require_pyarrow() -> None:
    """Raise unless Parquet can be written.

    Raises:
        ImportError: It cannot.
    """
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError:
        raise ImportError(NO_TABLES) from None


class Results(FileResults):
    """Predictions of files; :class:`FileResults` of any of ``KINDS``."""

    what = "predictions"

    def __init__(self, out, run, files) -> None:
        super().__init__(out, run, files)
        self.errors: dict[str, str] = {}

    def known(self, path):
        return None if path == STDIN else super().known(path)

    def fail(self, path: Path, error: Exception) -> None:
        """Why a file could not be used."""
        self.errors[key_of(path)] = str(error)
        self.unwritten += 1

    def save(self, done):
        records = [
            (name, done.get(name) or dict(error=self.errors[name]))
            for name in self.ids
            if name in done or name in self.errors
        ]
        KINDS[self.out.suffix.lower()](self.out, records)


def _write_table(write):
    def write_rows(path, records):
        write(path, [row for name, record in records for row in rows_of(name, record)])

    return write_rows


def _write_lines(as_line):
    def write_lines(path, records):
        write_own(path, "".join(as_line(name, record) for name, record in records))

    return write_lines


KINDS = {
    ".txt": _write_lines(as_text),
    ".jsonl": _write_lines(as_json_line),
    ".csv": _write_table(lambda path, rows: write_own(path, as_csv(rows))),
    ".parquet": _write_table(write_parquet),
}
