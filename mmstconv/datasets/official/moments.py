"""Moments in Time."""

from __future__ import annotations

from .collected import Collected
from .layout import Layout
from .registry import form
from .rows import cells_of, in_order, lines_of, numbered_classes
from .tree import Tree

CLASSES = r"moments_categories\.txt"
LISTS = {"trainingSet": "train", "validationSet": "val"}
ROW = "CLASS/FILE.mp4,label,number who agree,number who disagree"


def _lists(tree: Tree) -> list[tuple[str, str]]:
    return [(f, split) for n, split in LISTS.items() for f in tree.named(rf"{n}\.csv")]


@form(
    "moments_in_time",
    lambda tree: bool(_lists(tree) and tree.named(CLASSES)),
    "moments_categories.txt, trainingSet.csv and validationSet.csv",
)
def read_moments(found: Collected) -> Layout:
    """``blocking/NAME.mp4,blocking,3,1`` a line, a class ``blocking,12``.

    Files are in ``training/blocking`` and ``validation/blocking``; the numbers of
    people who agree are not used (Monfort et al. 2019, README of the release).
    """
    file = found.tree.named(CLASSES)[0]
    pairs = []
    for where, line in lines_of(found, file):
        name, _, text = line.rpartition(",")
        pairs.append((where, name.strip(), text.strip()))
    numbers = numbered_classes(found, file, pairs)
    for file, split in _lists(found.tree):
        rows = list(cells_of(found, file, 4, ROW))
        placed = found.tree.placing([cells[0] for _, cells in rows], split)
        for where, (name, label, *counts) in rows:
            number = found.number(where, label, numbers)
            if not all(count.isdigit() for count in counts):
                found.mistake(where, f"expected {ROW}")
            elif number is not None and found.is_new(where, (split, name), name):
                place = found.tree.stored(placed(name))
                found.add(where, name, place, [number], split)
    return found.layout(in_order(numbers), multi_label=False)
