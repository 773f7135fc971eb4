"""HMDB51's split files."""

from __future__ import annotations

import re
from functools import partial
from pathlib import PurePosixPath

from .collected import Collected
from .layout import Layout
from .registry import form
from .rows import lines_of
from .tree import Tree, slashed

SPLIT = {"0": None, "1": "train", "2": "test"}
FILE = r"(?P<label>.+)_test_split{}\.txt"


def _is_there(tree: Tree, number: int = 1) -> bool:
    return bool(tree.named(FILE.format(number)))


def read_hmdb51(found: Collected, number: int = 1) -> Layout:
    """``CLASS_test_split1.txt`` of each class, beside the videos.

    A line is ``NAME.avi 1``: 1 is of the training, 2 of the test, 0 of neither in this
    split (Kuehne et al. 2011, the archive ``test_train_splits``). Classes are in
    alphabetical order.

    Args:
        found: What is found goes there.
        number: Of the split, 1 to 3.
    """
    pattern = re.compile(FILE.format(number))
    files = {}
    for file in found.tree.named(pattern.pattern):
        files[pattern.fullmatch(PurePosixPath(file).name)["label"]] = file
    classes = sorted(files)
    for label, name in enumerate(classes):
        for where, line in lines_of(found, files[name]):
            video, *text = line.rsplit(maxsplit=1)
            flag = "".join(text)
            if flag not in SPLIT:
                found.mistake(where, f"expected VIDEO.avi and 0, 1 or 2, got '{line}'")
                continue
            stem = PurePosixPath(slashed(video)).stem
            if found.is_new(where, (name, stem), video) and SPLIT[flag]:
                file = found.tree.find(stem, folder=name)
                found.add(where, f"{name}/{stem}", file, [label], SPLIT[flag])
    return found.layout(classes, multi_label=False)


for _number in (1, 2, 3):
    form(
        "hmdb51" if _number == 1 else f"hmdb51_split{_number}",
        partial(_is_there, number=_number),
        f"CLASS_test_split{_number}.txt of each class",
    )(partial(read_hmdb51, number=_number))
