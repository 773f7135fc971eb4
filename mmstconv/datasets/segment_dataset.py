"""Lists of parts of films: one sample for each part."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mmaction.registry import DATASETS

from .annotation import (
    LINE_END,
    AnnotationError,
    Row,
    read_text,
    row_problems,
    shown,
)
from .events.film import number_of
from .video_dataset import MultiModalVideoDataset

# As little of the line as path as leaves two times and whole numbers after it.
LINE = re.compile(r"(\S.*?)\s+([0-9.]+)\s+([0-9.]+)((?:\s+[+-]?[0-9]+)*)")


@DATASETS.register_module()
class MultiModalSegmentDataset(MultiModalVideoDataset):
    """:class:`MultiModalVideoDataset` whose samples are parts of files.

    A line is ``path start end label``, with the times in seconds; with
    ``multi_class=True`` it has any number of labels, or none. A file may be in several
    lines. Clips are taken from ``start`` to before ``end``, and sound beyond them is
    silence: a sample is what a file would be that was cut out there.

    Args:
        *args: See ``MultiModalVideoDataset``. The delimiter is white space.
        **kwargs: The same.

    Raises:
        ValueError: Another ``delimiter`` was asked for.
    """

    def __init__(self, *args, **kwargs) -> None:
        if kwargs.get("delimiter", " ") != " ":
            raise ValueError(
                f"{type(self).__name__}: lines are divided by white space, got "
                f"delimiter={kwargs['delimiter']!r}"
            )
        super().__init__(*args, **kwargs)

    def _read_rows(self) -> list[Row]:
        """Rows whose names are ``path start end``; other lines are mistakes."""
        rows: list[Row] = []
        self._malformed: dict[int, list[str]] = {}
        for number, line in enumerate(LINE_END.split(read_text(self.ann_file)), 1):
            if not (line := line.strip()):
                continue
            match = LINE.fullmatch(line)
            reason = _mistake(match, line)
            if reason:
                self._malformed[number] = [reason]
                continue
            name, start, end, labels = match.groups()
            rows.append(Row(number, f"{name} {start} {end}", labels.split()))
        if not rows:
            lines = [
                f"{self.ann_file}:{number}: {reasons[0]}"
                for number, reasons in self._malformed.items()
            ]
            raise AnnotationError(lines or [f"{self.ann_file}: names no video"])
        return rows

    def _row_problems(
        self, rows: list[Row], root: str | None, fetched: bool
    ) -> dict[int, list[str]]:
        problems = row_problems(rows, self.num_classes, root, self.multi_class, fetched)
        if not self.multi_class:
            for row in rows:
                if len(row.labels) > 1:
                    problems.setdefault(row.number, []).append(
                        f"has {len(row.labels)} labels; multi_class=True takes several"
                    )
        return dict(sorted({**self._malformed, **problems}.items()))

    def _info(
        self, name: str, labels: Sequence[str], folder: str | None, below: str
    ) -> dict:
        name, start, end = name.rsplit(" ", 2)
        info = super()._info(name, labels, folder, below)
        info["segment"] = (float(start), float(end))
        return info


def _mistake(match: re.Match | None, line: str) -> str | None:
    """What is wrong with a line as such, if anything is."""
    if match is None:
        return f"expected 'path start end label', got {shown(line)}"
    start, end = map(number_of, match.groups()[1:3])
    if start is None or end is None:
        return f"{match[2]} and {match[3]} are not times in seconds"
    if not start < end:
        return f"the segment from {start:g} to {end:g} s ends before it begins"
    return None
