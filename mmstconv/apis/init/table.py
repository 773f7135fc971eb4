"""A table of all files that were found, whether they are listed or not."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from ..check import FileCheck
from .items import Item, LeftOut

MEASURED = (
    *("codec", "width", "height", "rate", "variable_rate", "rotation", "aspect"),
    *("duration", "frames", "sound_offset", "silent", "damage"),
    *("digest", "picture_hash"),
)
SOUND = ("channels", "rate", "codec")
COLUMNS = (
    *("file", "start", "end", "split", "classes", "source", "left_out"),
    *MEASURED,
    *(f"sound_{name}" for name in SOUND),
)


def table_of(
    items: Sequence[Item], left_out: Sequence[LeftOut], classes: Sequence[str]
) -> str:
    """A CSV with a line for each file; several classes are parted by ``;``.

    Args:
        items: Files that are listed. A source has the name of its first file.
        left_out: Files that are not.
        classes: Their names.
    """
    first: dict[int, str] = {}
    with io.StringIO(newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for item in items:
            names = ";".join(classes[label] for label in item.labels)
            source = first.setdefault(item.source, item.name)
            times = item.segment or ("", "")
            head = item.name, *times, item.split, names, source, ""
            writer.writerow([*head, *_measured(item.check)])
        for one in left_out:
            head = one.name, "", "", "", "", "", one.reason
            writer.writerow([*head, *_measured(one.check)])
        return file.getvalue()


def _measured(check: FileCheck | None) -> list:
    if check is None:
        return [""] * (len(MEASURED) + len(SOUND))
    values = [getattr(check, name) for name in MEASURED]
    values += [getattr(check.sound, name, None) for name in SOUND]
    return [int(value) if isinstance(value, bool) else value for value in values]
