"""Moments in Time."""

from __future__ import annotations

from pathlib import PurePosixPath

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
    places = {name: name for name in found.tree.media}
    for file, split in _lists(found.tree):
        for where, (name, label, *counts) in cells_of(found, file, 4, ROW):
            number = found.number(where, label, numbers)
            if not all(count.isdigit() for count in counts):
                found.mistake(where, f"expected {ROW}")
            elif number is not None and found.is_new(where, name, name):
                path = PurePosixPath(name)
                folder = "training" if split == "train" else "validation"
                place = found.tree.ending(name, prefer=folder)
                place = place or found.tree.find(path.stem, folder=path.parent.name)
                found.add(where, name, places.get(place), [number], split)
    return found.layout(in_order(numbers), multi_label=False)
