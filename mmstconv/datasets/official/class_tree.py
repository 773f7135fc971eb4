"""Videos, or frames, in a folder for each class, maybe in one for each split."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import PurePosixPath

from .collected import Collected
from .extracted import extracted_beside
from .layout import Layout, split_of
from .mmaction2 import lists_of
from .registry import form
from .sources import group_of

FOLDERS = "a folder for each of at least two classes, with videos"


def _is_tree_of(names: Collection[str]) -> bool:
    rows, _ = class_rows(names)
    return len({label for _, label, _, _ in rows}) > 1


@form(
    "class_folders_of_frames",
    lambda tree: not tree.media and _is_tree_of(tree.image_folders),
    f"{FOLDERS} as folders of numbered images",
)
def read_frame_tree(found: Collected) -> Layout:
    """``CLASS/VIDEO/img_00001.jpg``, maybe in a folder for each split.

    Images ``flow_x_00001.jpg`` and ``flow_y_00001.jpg`` beside them are the flow, as
    MMAction2's extraction writes both.
    """
    folders = found.tree.image_folders
    names = [name for name, kinds in folders.items() if kinds - {"flow_x", "flow_y"}]
    return _layout(found, names or list(folders), of_frames=True)


@form("class_folders", lambda tree: _is_tree_of(tree.media), f"{FOLDERS} in it")
def read_class_tree(found: Collected) -> Layout:
    """``CLASS/file``, or ``train/CLASS/file`` and ``val/CLASS/file``.

    Folders around all of them are passed. What lies deeper is of the outermost folder's
    class, as in torchvision's ``ImageFolder``, and the folders between tell its source.
    """
    return _layout(found, found.tree.media)


def _layout(found: Collected, names: Sequence[str], of_frames: bool = False) -> Layout:
    found.notes += lists_of(found.tree)[1]
    rows, stray = class_rows(names)
    classes = sorted({label for _, label, _, _ in rows})
    numbers = {label: number for number, label in enumerate(classes)}
    for name, label, split, group in rows:
        found.add(name, name, name, [numbers[label]], split, group)
    if stray:
        found.notes.append(
            f"{len(stray)} files lie in no class's folder and were left out, such as "
            f"{stray[0]}"
        )
    extracted = extracted_beside(found.tree)
    return found.layout(classes, False, of_frames=of_frames, extracted=extracted)


def class_rows(names: Collection[str]) -> tuple[list[tuple], list[str]]:
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
