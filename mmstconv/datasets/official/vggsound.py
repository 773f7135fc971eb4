"""VGGSound's list."""

from __future__ import annotations

from ..annotation import shown
from .collected import Collected
from .layout import Layout, split_of
from .registry import form
from .rows import cells_of, span_of
from .spans import add_part, settle_parts

FILE = r"vggsound\.csv"
SECONDS = 10.0
ROW = "YouTube ID,start,label,train or test"


@form("vggsound", lambda tree: bool(tree.named(FILE)), "vggsound.csv")
def read_vggsound(found: Collected) -> Layout:
    """``ID,start,label,split`` a line, without names of columns, for ten seconds each.

    Files are ``ID_000030.mp4``, ``ID.mp4`` that are cut, or whole films. Classes are in
    alphabetical order (Chen et al. 2020; robots.ox.ac.uk/~vgg/data/vggsound).
    """
    rows = list(cells_of(found, found.tree.named(FILE)[0], 4, ROW))
    classes = sorted({cells[2] for _, cells in rows if cells[2]})
    numbers = {label: number for number, label in enumerate(classes)}
    for where, (name, start, label, split) in rows:
        if not name or not label:
            found.mistake(where, f"a cell is empty; expected {ROW}")
            continue
        if split_of(split) is None:
            found.mistake(where, f"split {shown(split)} is neither train nor test")
            continue
        try:
            end = str(float(start) + SECONDS)
        except ValueError:
            end = start
        span = span_of(found, where, start, end)
        if span and found.is_new(where, (name, span), f"{name} {span[0]:g} s"):
            add_part(found, where, name, span, [numbers[label]], split_of(split))
    settle_parts(found)
    return found.layout(classes, multi_label=False)
