"""Annotation files of prepared videos: the same lines with the new names."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple

from mmstconv.disk import write_own


class Annotation(NamedTuple):
    """A file of lines ``path label``; names are below the folder of the videos."""

    path: Path
    rows: list[tuple[str, list[str]]]


def read_annotations(
    paths: Sequence[Path], root: Path, multi_class: bool = False
) -> list[Annotation]:
    """Reads them strictly, as ``MultiModalVideoDataset`` does."""
    from mmstconv.datasets.annotation import AnnotationError, read_rows, row_problems

    read, problems = [], []
    for path in paths:
        rows = read_rows(str(path), multi_class=multi_class)
        problems += [
            f"{path}:{number}: {reason}"
            for number, reasons in row_problems(
                rows, None, str(root), multi_class
            ).items()
            for reason in reasons
        ]
        below = []
        for row in rows:
            name = Path(os.path.relpath(root / row.name, root)).as_posix()
            if ".." in row.name and not _is_same(root / row.name, root / name):
                problems.append(
                    f"{path}:{row.number}: '{row.name}' goes up from a link: name the "
                    "file where it is"
                )
            below.append((name, row.labels))
        read.append(Annotation(path, below))
    if problems:
        raise AnnotationError(problems)
    return read


def _is_same(one: Path, other: Path) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)


def annotation_text(
    annotation: Annotation, targets: dict[str, str], failed: Collection[str] = ()
) -> str:
    """Its lines with the new names, without files that failed."""
    return "".join(
        " ".join([targets[name], *labels]) + "\n"
        for name, labels in annotation.rows
        if name not in failed
    )


def write_annotation(
    annotation: Annotation, out: Path, targets: dict[str, str], failed: set[str]
) -> str:
    """Writes it with the new names; returns what there is to say of it."""
    path = out / annotation.path.name
    text = annotation_text(annotation, targets, failed)
    if not text:
        return f"{path}: not written, all its files failed"
    if not holds(path, text):
        write_own(path, text)
    count = len(annotation.rows) - text.count("\n")
    return f"{path}: {count} lines left out, files that failed" if count else ""


def holds(path: Path, text: str) -> bool:
    return path.is_file() and path.read_bytes() == text.encode()
