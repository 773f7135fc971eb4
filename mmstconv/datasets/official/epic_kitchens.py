"""EPIC-KITCHENS-100: actions in long films, by verb, noun or both."""

from __future__ import annotations

from functools import partial

from ..annotation import shown
from ..events.csv_text import read_table
from ..events.epic_kitchens import TIMES, seconds_of
from .collected import Collected
from .layout import Layout
from .registry import form
from .rows import in_order, numbered_classes, span_of
from .tree import Tree

TABLES = {
    r"EPIC_100_train\.csv": "train",
    r"EPIC_100_val(idation)?\.csv": "val",
    r"EPIC_100_test_timestamps\.csv": "test",
}
PARTS = ("verb", "noun")


def _is_there(tree: Tree) -> bool:
    return bool(
        tree.named(r"EPIC_100_train\.csv")
        and all(tree.named(rf"EPIC_100_{part}_classes.*\.csv") for part in PARTS)
    )


def read_epic_kitchens(found: Collected, parts: tuple[str, ...] = PARTS) -> Layout:
    """A row for each action, with times ``hh:mm:ss.ff`` in ``P01_01.MP4``.

    Numbers are ``verb_class`` and ``noun_class``, their names in
    ``EPIC_100_verb_classes.csv`` (``id,key,...``) and the like. An action is a pair of
    both; the pairs that occur are numbered in order. The test has times alone (Damen et
    al. 2022; the repository epic-kitchens-100-annotations).

    Args:
        found: What is found goes there.
        parts: Which make a class.
    """
    names = {part: _classes(found, part) for part in parts}
    rows = [(*row, _pair(found, row, names)) for row in _rows(found)]
    used = sorted({pair for *_, pair in rows if pair})
    if len(parts) == 1:
        classes = names[parts[0]]
        numbers = {(number,): number for number in range(len(classes))}
    else:
        numbers = {pair: number for number, pair in enumerate(used)}
        classes = [
            " ".join(names[part][one] for part, one in zip(parts, pair))
            for pair in used
        ]
    for where, row, split, pair in rows:
        edges = [seconds_of(row[name]) for name in TIMES]
        if None in edges:
            texts = " to ".join(shown(row[name]) for name in TIMES)
            found.mistake(where, f"{texts} are not times hh:mm:ss.ff")
            continue
        span = span_of(found, where, *map(str, edges))
        name = row["video_id"]
        if span and found.is_new(where, row["narration_id"], row["narration_id"]):
            labels = [] if pair is None else [numbers[pair]]
            file = found.tree.find(name)
            found.add(where, name, file, labels, split, name, span)
    return found.layout(classes, multi_label=False)


def _classes(found: Collected, part: str) -> list[str]:
    file = found.tree.named(rf"EPIC_100_{part}_classes.*\.csv")[0]
    path = str(found.tree.path(file))
    rows = read_table(path, ["id", "key"], ",", found.mistakes)
    pairs = [(where, row["key"], row["id"]) for where, row in rows]
    return in_order(numbered_classes(found, file, pairs))


def _rows(found: Collected):
    for pattern, split in TABLES.items():
        for file in found.tree.named(pattern):
            path = str(found.tree.path(file))
            columns = ["narration_id", "video_id", *TIMES]
            if split != "test":
                columns += [f"{part}_class" for part in PARTS]
            for where, row in read_table(path, columns, ",", found.mistakes):
                yield where, row, split


def _pair(found: Collected, row: tuple, names: dict[str, list]) -> tuple | None:
    """Numbers of the parts; None where there are none, or they are mistakes."""
    where, cells, split = row
    pair = []
    for part, known in names.items():
        text = cells.get(f"{part}_class", "")
        if not text and split == "test":
            return None
        if not text.isdigit() or int(text) >= len(known):
            found.mistake(
                where,
                f"{part}_class {shown(text)} is none of 0 to {len(known) - 1}",
            )
            return None
        pair.append(int(text))
    return tuple(pair)


for _name, _parts in (("verb", ("verb",)), ("noun", ("noun",)), ("action", PARTS)):
    form(
        f"epic_kitchens_{_name}",
        _is_there,
        "EPIC_100_train.csv, EPIC_100_validation.csv, EPIC_100_verb_classes.csv and "
        "EPIC_100_noun_classes.csv",
    )(partial(read_epic_kitchens, parts=_parts))
