"""Charades, by video and by action."""

from __future__ import annotations

import re

from ..annotation import shown
from ..events.csv_text import read_table
from .collected import Collected
from .layout import Layout
from .registry import form
from .rows import in_order, lines_of, numbered_classes, times_of
from .tree import Tree

CLASS = re.compile(r"c(?P<number>[0-9]{1,3})\s+(?P<name>.+)")
ACTION = re.compile(r"(?P<code>c[0-9]{1,3})\s+(?P<start>\S+)\s+(?P<end>\S+)")
EXPECTS = "Charades_v1_classes.txt, Charades_v1_train.csv and Charades_v1_test.csv"
TABLES = {"train": "train", "test": "test"}


def _is_there(tree: Tree) -> bool:
    return bool(
        tree.named(r"Charades_v1_classes\.txt")
        and tree.named(r"Charades_v1_(train|test)\.csv")
    )


@form("charades", _is_there, EXPECTS)
def read_charades(found: Collected) -> Layout:
    """A video with all of its actions: the benchmark of classification, in mAP.

    The column ``actions`` is ``c092 11.90 21.20;c147 0.00 12.60`` or empty, a class
    ``c000 Holding some clothes`` (Sigurdsson et al. 2016, README of the release).
    """
    numbers = _classes(found)
    for where, row, split, actions in _rows(found, numbers):
        labels = sorted({number for number, _ in actions})
        name, group = row["id"], row.get("subject") or None
        found.add(where, name, found.tree.find(name), labels, split, group)
    return found.layout(in_order(numbers), multi_label=True)


@form("charades_actions", _is_there, EXPECTS)
def read_charades_actions(found: Collected) -> Layout:
    """A sample for each action: its class, and its time as the segment.

    As :func:`read_charades`; actions of a video may overlap, and each is a sample of
    its own. Of the release's 66,500 actions seven end before they begin: such ones are
    left out, with a note.
    """
    numbers = _classes(found)
    without_length = []
    for where, row, split, actions in _rows(found, numbers):
        name, group = row["id"], row.get("subject") or None
        file = found.tree.find(name)
        for number, (start, end) in actions:
            if start < end:
                found.add(where, name, file, [number], split, group, (start, end))
            else:
                without_length.append(f"{where}: {start:g} to {end:g} s")
    if without_length:
        found.notes.append(
            f"actions without a length were left out: {len(without_length)}; the "
            f"first is {without_length[0]}"
        )
    return found.layout(in_order(numbers), multi_label=False)


def _classes(found: Collected) -> dict[str, int]:
    file = found.tree.named(r"Charades_v1_classes\.txt")[0]
    pairs = []
    for where, line in lines_of(found, file):
        match = CLASS.fullmatch(line)
        if match is None:
            found.mistake(where, f"expected 'c000 name', got {shown(line)}")
        else:
            pairs.append((where, match["name"], match["number"]))
    return numbered_classes(found, file, pairs)


def _rows(found: Collected, numbers: dict[str, int]):
    """Rows in order, with their split and actions ``(class, (start, end))``."""
    for part, split in TABLES.items():
        for file in found.tree.named(rf"Charades_v1_{part}\.csv"):
            path = str(found.tree.path(file))
            for where, row in read_table(path, ["id", "actions"], ",", found.mistakes):
                if not row["id"]:
                    found.mistake(where, "names no video")
                elif found.is_new(where, row["id"], row["id"]):
                    actions = _actions(found, where, row["actions"], len(numbers))
                    yield where, row, split, actions


def _actions(found: Collected, where: str, text: str, count: int) -> list[tuple]:
    actions = []
    for part in filter(None, map(str.strip, text.split(";"))):
        match = ACTION.fullmatch(part)
        if match is None:
            found.mistake(where, f"expected 'c092 11.90 21.20', got {shown(part)}")
            continue
        number = int(match["code"][1:])
        span = times_of(found, where, match["start"], match["end"])
        if number >= count:
            found.mistake(where, f"{match['code']} is none of the {count} classes")
        elif span and min(span) < 0:
            found.mistake(where, f"{shown(part)}: times must be 0 or later")
        elif span:
            actions.append((number, span))
    return actions
