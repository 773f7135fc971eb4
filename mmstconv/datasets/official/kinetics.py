"""The tables of Kinetics-400, -600 and -700."""

from __future__ import annotations

from ..annotation import shown
from ..events.csv_text import read_table
from .collected import Collected
from .layout import Layout, split_of
from .registry import form
from .rows import span_of
from .spans import add_part, settle_parts
from .tree import Tree

COLUMNS = ("youtube_id", "time_start", "time_end")


def _tables(tree: Tree) -> list[str]:
    files = tree.named(r"(?i).+\.csv")
    return [file for file in files if tree.has_columns(file, COLUMNS)]


@form(
    "kinetics",
    lambda tree: bool(_tables(tree)),
    f"tables (.csv) with the columns label, {', '.join(COLUMNS)}, split",
)
def read_kinetics(found: Collected) -> Layout:
    """``label,youtube_id,time_start,time_end,split`` a row, of any number of tables.

    Files are ``ID_000001_000011.mp4``, with six digits for each second, wherever they
    are; or whole films ``ID.mp4``, of which the part is the segment. A table of the
    test may lack the label. Without the column ``split`` the name of the table tells
    it. Classes are in alphabetical order, as everywhere (Kay et al. 2017; the tables of
    DeepMind and of the CVDF, with ``is_cc`` beside).
    """
    rows = []
    for file in _tables(found.tree):
        path = str(found.tree.path(file))
        for where, row in read_table(path, COLUMNS, ",", found.mistakes):
            rows.append((where, row, _split(found, where, row, file)))
    labels = [row.get("label", "") for _, row, _ in rows]
    classes = sorted({label for label in labels if label})
    numbers = {label: number for number, label in enumerate(classes)}
    for where, row, split in rows:
        label = row.get("label", "")
        if not label and split != "test":
            found.mistake(where, "has no label; a row of the test alone may lack it")
        if not row["youtube_id"]:
            found.mistake(where, "names no video")
            continue
        span = span_of(found, where, row["time_start"], row["time_end"])
        name = row["youtube_id"]
        if span and found.is_new(where, (name, span), f"{name} {span[0]:g} s"):
            add_part(found, where, name, span, [numbers[label]] if label else [], split)
    settle_parts(found)
    return found.layout(classes, multi_label=False)


def _split(found: Collected, where: str, row: dict, file: str) -> str | None:
    if row.get("split"):
        split = split_of(row["split"])
        if split is None:
            found.mistake(where, f"split {shown(row['split'])} is none")
        return split
    words = file.rpartition("/")[2].lower().rpartition(".")[0].replace("-", "_")
    return next(filter(None, map(split_of, words.split("_"))), None)
