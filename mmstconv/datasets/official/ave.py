"""AVE: audio-visual events in clips of ten seconds."""

from __future__ import annotations

from ..annotation import shown
from ..events.film import number_of
from .collected import Collected
from .layout import Layout
from .registry import form
from .rows import lines_of, span_of
from .tree import Tree

HEADER = "Category&VideoID&Quality&StartTime&EndTime"
LISTS = {"trainSet": "train", "valSet": "val", "testSet": "test"}


def _is_there(tree: Tree) -> bool:
    return bool(tree.named(r"Annotations\.txt") and tree.named(r"trainSet\.txt"))


@form("ave", _is_there, "Annotations.txt, trainSet.txt, valSet.txt and testSet.txt")
def read_ave(found: Collected) -> Layout:
    """``Church bell&RUhOCu3LNXM&good&0&10`` a line, in all of the files.

    ``Annotations.txt`` has all events and names the columns in its first line; the
    lists of the splits do not. A video may have several events, each is a sample with
    its time as the segment; events of no length are left out (Tian et al. 2018).
    """
    file = found.tree.named(r"Annotations\.txt")[0]
    known = {cells[:2]: None for _, cells in _rows(found, file)}
    classes = sorted({category for category, _ in known})
    numbers = {label: number for number, label in enumerate(classes)}
    empty = 0
    for name, split in LISTS.items():
        for file in found.tree.named(rf"{name}\.txt"):
            for where, (category, video, start, end) in _rows(found, file):
                label = found.number(where, category, numbers)
                if label is not None and (category, video) not in known:
                    found.mistake(
                        where, f"{shown(video)} is not in Annotations.txt with it"
                    )
                    continue
                if start == end and number_of(start) is not None:
                    empty += 1
                    continue
                span = span_of(found, where, start, end)
                key = (category, video, span)
                if span and label is not None and found.is_new(where, key, video):
                    path = found.tree.find(video)
                    found.add(where, video, path, [label], split, video, span)
    if empty:
        found.notes.append(f"{empty} events of no length were left out")
    return found.layout(classes, multi_label=False)


def _rows(found: Collected, file: str):
    """``(where, (category, video, start, end))`` of each line."""
    for where, line in lines_of(found, file):
        if line == HEADER:
            continue
        cells = [cell.strip() for cell in line.split("&")]
        if len(cells) != 5 or not all(cells):
            found.mistake(where, f"expected {HEADER}, got {shown(line)}")
            continue
        yield where, (*cells[:2], *cells[3:])
