"""Tables read strictly: rows by the names of their columns, with line numbers."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from ..annotation import LINE_END, AnnotationError, read_text, shown

Row = dict[str, str]


def read_table(
    path: str,
    columns: Sequence[str],
    delimiter: str,
    mistakes: list[str],
    whole: str | None = None,
) -> Iterator[tuple[str, Row]]:
    """``(file:line, {column: text})`` of each row that is not blank.

    Spaces around texts, a byte order mark and Windows line ends are tolerated; columns
    may be in any order, with others beside them.

    Args:
        path: Of the file; its first line names the columns.
        columns: That are needed.
        delimiter: Between columns.
        mistakes: Rows of another length are noted here.
        whole: A column whose texts keep the spaces around them.

    Raises:
        FileNotFoundError: There is no such file.
        AnnotationError: Columns are missing.
    """
    text = LINE_END.sub("\n", read_text(path))
    quoting = csv.QUOTE_MINIMAL if delimiter == "," else csv.QUOTE_NONE
    # strictly: a quote that is never closed would take all rows behind it for one text
    rows = csv.reader(
        io.StringIO(text), delimiter=delimiter, quoting=quoting, strict=True
    )
    header: list[str] | None = None
    while True:
        number = rows.line_num + 1
        try:
            written = next(rows, None)
        except csv.Error as error:
            if header is None:
                _header(path, number, [LINE_END.split(text)[number - 1]], columns)
            mistakes.append(f"{path}:{number}: is no row of a table ({error})")
            continue
        if written is None:
            break
        cells = [cell.strip() for cell in written]
        if not any(cells):
            continue
        if header is None:
            header = _header(path, number, cells, columns)
        elif len(cells) != len(header):
            mistakes.append(
                f"{path}:{number}: has {len(cells)} columns, the first line names "
                f"{len(header)}"
            )
        else:
            if whole is not None:
                cells[header.index(whole)] = written[header.index(whole)]
            yield f"{path}:{number}", dict(zip(header, cells))
    if header is None:
        raise AnnotationError([f"{path}: is empty"])


def named_columns(text: str) -> set[str]:
    """The columns that the first line of a comma separated text names."""
    first = LINE_END.split(text.lstrip(), 1)[0]
    return {cell.strip() for cell in next(csv.reader([first]), [])}


def _other_delimiter(line: str, columns: Sequence[str]) -> str:
    """What a spreadsheet has divided the columns by, where that is another letter."""
    for letter, name in {";": "semicolons", "\t": "tabs", "|": "bars"}.items():
        if set(columns) <= {cell.strip(" \"'") for cell in line.split(letter)}:
            return (
                f"; {name} divide them: save the table with commas, and numbers with "
                "points"
            )
    return ""


def _header(path: str, number: int, cells: list[str], columns: Sequence[str]) -> list:
    missing = [name for name in columns if name not in cells]
    if missing:
        raise AnnotationError(
            [
                f"{path}:{number}: the first line must name the columns "
                f"{', '.join(columns)}; {', '.join(missing)} not found in "
                f"{shown(' '.join(cells))}{_other_delimiter(' '.join(cells), columns)}"
            ]
        )
    if len(set(cells)) < len(cells):
        raise AnnotationError([f"{path}:{number}: names a column twice"])
    return cells
