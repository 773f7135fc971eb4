"""AudioSet's lists of segments."""

from __future__ import annotations

from ..annotation import shown
from ..events.csv_text import read_table
from .collected import Collected
from .layout import Layout
from .registry import form
from .rows import cells_of, in_order, numbered_classes, span_of
from .spans import add_part, settle_parts
from .tree import Tree

LISTS = {
    "balanced_train_segments": "train",
    "unbalanced_train_segments": "train",
    "eval_segments": "test",
}
CLASSES = r"class_labels_indices\.csv"
ROW = 'YTID, start_seconds, end_seconds, "/m/09x0r,/t/dd00088"'


def _lists(tree: Tree) -> list[tuple[str, str]]:
    pairs = LISTS.items()
    return [(f, split) for n, split in pairs for f in tree.named(rf"{n}\.csv")]


@form(
    "audioset",
    lambda tree: bool(_lists(tree) and tree.named(CLASSES)),
    "class_labels_indices.csv and balanced_train_segments.csv, "
    "unbalanced_train_segments.csv or eval_segments.csv",
)
def read_audioset(found: Collected) -> Layout:
    """``YTID, 30.000, 40.000, "/m/09x0r,/t/dd00088"`` a line, after lines of ``#``.

    Classes are ``index,mid,display_name`` (Gemmeke et al. 2017;
    research.google.com/audioset/download). Files are parts of ten seconds, with or
    without times in their names, or whole films; the evaluation is the test.
    """
    file = found.tree.named(CLASSES)[0]
    pairs, names = [], {}
    columns = ["index", "mid", "display_name"]
    path = str(found.tree.path(file))
    for where, row in read_table(path, columns, ",", found.mistakes):
        pairs.append((where, row["mid"], row["index"]))
        names[row["mid"]] = row["display_name"] or row["mid"]
    numbers = numbered_classes(found, file, pairs)
    for file, split in _lists(found.tree):
        for where, cells in cells_of(found, file, 4, ROW, comment="#"):
            _add(found, where, cells, numbers, split)
    settle_parts(found)
    return found.layout([names[mid] for mid in in_order(numbers)], multi_label=True)


def _add(found: Collected, where: str, cells: list[str], numbers: dict, split: str):
    name, start, end, mids = cells
    span = span_of(found, where, start, end)
    labels = [found.number(where, mid.strip(), numbers) for mid in mids.split(",")]
    if not name:
        found.mistake(where, f"names no video; expected {ROW}")
    elif len(set(labels)) < len(labels) and None not in labels:
        found.mistake(where, f"has a class twice: {shown(mids)}")
    elif span and None not in labels and found.is_new(where, (name, span), name):
        add_part(found, where, name, span, sorted(labels), split)
