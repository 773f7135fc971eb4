"""UCF101's action recognition lists."""

from __future__ import annotations

from functools import partial
from pathlib import PurePosixPath

from .collected import Collected
from .layout import Layout
from .registry import form
from .rows import in_order, lines_of, numbered_classes
from .tree import Tree, slashed

SPLITS = (("trainlist", "train"), ("testlist", "test"))


def _is_there(tree: Tree, number: int = 1) -> bool:
    lists = tree.named(rf"(train|test)list0{number}\.txt")
    return bool(lists and tree.named(r"classInd\.txt"))


def read_ucf101(found: Collected, number: int = 1) -> Layout:
    """``classInd.txt``, ``trainlist01.txt`` and ``testlist01.txt``, beside the videos.

    A class is ``1 ApplyEyeMakeup``, numbered from 1; a line of training
    ``ApplyEyeMakeup/v_ApplyEyeMakeup_g08_c01.avi 1``; one of the test has no number:
    the folder is the class (Soomro et al. 2012, the archive "Train/Test Splits for
    Action Recognition"). Clips of one group ``gNN`` are of one source.

    Args:
        found: What is found goes there.
        number: Of the split, 1 to 3.
    """
    tree = found.tree
    file = tree.named(r"classInd\.txt")[0]
    pairs = []
    for where, line in lines_of(found, file):
        text, *name = line.split(maxsplit=1)
        pairs.append((where, "".join(name), text))
    numbers = numbered_classes(found, file, pairs, first=1)
    for prefix, split in SPLITS:
        for file in tree.named(rf"{prefix}0{number}\.txt"):
            for where, line in lines_of(found, file):
                _add(found, where, line, numbers, split)
    return found.layout(in_order(numbers), multi_label=False)


def _add(found: Collected, where: str, line: str, numbers: dict, split: str) -> None:
    name, *number = line.rsplit(maxsplit=1)
    text = "".join(number)
    path = PurePosixPath(slashed(name))
    if len(path.parts) < 2:
        found.mistake(where, f"expected CLASS/VIDEO.avi, got '{line}'")
        return
    label = found.number(where, path.parts[-2], numbers)
    if split == "train" or text:
        if text != str(-1 if label is None else label + 1):
            wanted = "its number" if label is None else label + 1
            found.mistake(
                where, f"expected {wanted} after the name, as in classInd.txt: '{line}'"
            )
            return
    if label is not None and found.is_new(where, path.stem, str(path)):
        file = found.tree.find(path.stem, folder=path.parts[-2])
        found.add(where, str(path), file, [label], split)


for _number in (1, 2, 3):
    form(
        "ucf101" if _number == 1 else f"ucf101_split{_number}",
        partial(_is_there, number=_number),
        f"classInd.txt, trainlist0{_number}.txt and testlist0{_number}.txt",
    )(partial(read_ucf101, number=_number))
