"""Videos in a folder for each class, maybe in a folder for each split."""

from __future__ import annotations

from pathlib import PurePosixPath

from .layout import Layout, Sample
from .registry import form
from .sources import group_of
from .tree import Tree

SPLIT_OF = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}
FOLDERS = "a folder for each of at least two classes, with videos in it"


def split_of(folder: str) -> str | None:
    """The split that a folder of that name is for."""
    return SPLIT_OF.get(folder.lower())


def _is_class_tree(tree: Tree) -> bool:
    rows, _ = class_rows(tree.media)
    return len({label for _, label, _, _ in rows}) > 1


@form("class_folders", _is_class_tree, FOLDERS)
def read_class_tree(tree: Tree) -> Layout:
    """``CLASS/file``, or ``train/CLASS/file`` and ``val/CLASS/file``.

    Folders around all of them are passed. What lies deeper is of the outermost folder's
    class, as in torchvision's ``ImageFolder``, and the folders between tell its source.
    """
    rows, stray = class_rows(tree.media)
    classes = sorted({label for _, label, _, _ in rows})
    numbers = {label: number for number, label in enumerate(classes)}
    samples = [
        Sample(tree.path(name), (numbers[label],), split, group)
        for name, label, split, group in rows
    ]
    notes = ()
    if stray:
        notes = (
            f"{len(stray)} files lie in no class's folder and were left out, such as "
            f"{stray[0]}",
        )
    return Layout("class_folders", samples, classes, False, notes=notes)


def class_rows(names: list[str]) -> tuple[list[tuple], list[str]]:
    """What folders say of files.

    Args:
        names: Paths with ``/`` between their parts.

    Returns:
        ``(name, class, split, group)`` each, and the names without a class.
    """
    parts = [PurePosixPath(name).parts for name in names]
    depth = _shared_depth(parts)
    rows, stray = [], []
    splits = {path[depth] for path in parts if len(path) > depth + 1}
    by_split = bool(splits) and all(split_of(folder) for folder in splits)
    for name, path in zip(names, parts):
        split = split_of(path[depth]) if by_split and len(path) > depth + 1 else None
        below = path[depth + (split is not None) :]
        if len(below) < 2:
            stray.append(name)
            continue
        label, *between, last = below
        # a source has clips of several classes: its name alone tells it
        group = "/".join(between) or group_of(PurePosixPath(last).stem)
        rows.append((name, label, split, group or None))
    return rows, stray


def _shared_depth(parts: list[tuple[str, ...]]) -> int:
    """How many folders lie around all files, and are no class and no split."""
    depth = 0
    while parts and all(len(path) > depth + 2 for path in parts):
        folders = {path[depth] for path in parts}
        if len(folders) > 1 or split_of(next(iter(folders))):
            break
        depth += 1
    return depth
