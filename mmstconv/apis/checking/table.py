"""What was found, as rows: for CSV, and for JSON."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Sequence
from pathlib import Path

from ...media.checking.file_check import FileCheck
from .duplicates import Duplicates

COLUMNS = (
    *("path", "error", "damage", "codec", "width", "height", "rate", "variable_rate"),
    *("rotation", "aspect", "duration", "frames", "sound_channels", "sound_rate"),
    *("sound_codec", "sound_offset", "silent", "same_content_as", "looks_like"),
    *("digest", "picture_hash"),
)


def rows_of(
    checks: Sequence[FileCheck], groups: Sequence[Duplicates]
) -> list[dict[str, object]]:
    """A row for each file, by :data:`COLUMNS`; None is empty.

    Args:
        checks: In the order of the rows.
        groups: Duplicates among them: each but the first names the first.
    """
    first: dict[tuple[Path, bool], str] = {}
    for group in groups:
        for path in group.paths[1:]:
            first[path, group.same_content] = os.fspath(group.paths[0])
    rows = []
    for check in checks:
        channels, rate, codec = check.sound or (None, None, None)
        found = dict(
            check._asdict(),
            path=os.fspath(check.path),
            sound_channels=channels,
            sound_rate=rate,
            sound_codec=codec,
            same_content_as=first.get((check.path, True)),
            looks_like=first.get((check.path, False)),
        )
        rows.append({name: _short(found[name]) for name in COLUMNS})
    return rows


def csv_text(rows: Sequence[dict[str, object]]) -> str:
    """The rows as CSV: yes is 1 and no 0."""
    with io.StringIO(newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for row in rows:
            values = (row[name] for name in COLUMNS)
            writer.writerow([int(v) if isinstance(v, bool) else v for v in values])
        return file.getvalue()


def _short(value: object) -> object:
    """Floats to a millionth: seconds need no more."""
    return round(value, 6) if isinstance(value, float) else value
