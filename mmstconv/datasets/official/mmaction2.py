"""MMAction2's own lists: videos, folders of frames, one or several labels."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from ..annotation import AnnotationError, listed, read_rows, row_problems, shown
from ..class_names import read_class_names
from .collected import Collected
from .extracted import extracted_beside
from .layout import Layout, split_of
from .registry import form
from .tree import MEDIA_SUFFIXES, Tree, suffix_of

WORD = re.compile(r"[A-Za-z]+")
CLASSES = r"(?i)(.*label_map.*|classes|class_?names|.*classes|category)\.txt"
LINE = re.compile(rb"\s*(\S.*?)((?:\s+[0-9]+)+)\s*")
ARRAY = ".npy"


def _split(name: str) -> str | None:
    """The split in the name of a list, such as ``ucf101_train_split_1_videos.txt``."""
    words = WORD.findall(PurePosixPath(name).stem.replace("_", " "))
    return next(filter(None, map(split_of, words)), None)


def lists_of(tree: Tree) -> tuple[list[str], list[str]]:
    """Lists of splits whose first lines name something of the tree, or media.

    Returns:
        They, and a note, if there are others, of which these are.
    """
    fitting, passed = [], []
    for name in filter(_split, tree.named(r".+\.txt")):
        with tree.path(name).open("rb") as file:
            head = file.read(4096).lstrip(b"\xef\xbb\xbf \r\n\t")
        matches = [LINE.fullmatch(line) for line in re.split(rb"[\r\n]+", head)]
        if matches[0] is None:
            continue
        paths = [match[1].decode("utf-8", "replace") for match in matches if match]
        if _fits(tree, name, paths):
            fitting.append(name)
        else:
            passed.append(
                f"{name} was passed: what its first lines name, such as "
                f"{shown(paths[0])}, is not there (a video has a suffix)"
            )
    return fitting, [listed(passed)] if passed else []


def _fits(tree: Tree, name: str, paths: list[str]) -> bool:
    if suffix_of(paths[0]) in MEDIA_SUFFIXES | {ARRAY}:
        return True
    placed = tree.placing(paths, _split(name))
    return any(placed(path) in tree.image_folders for path in paths)


@form(
    "mmaction2",
    lambda tree: bool(lists_of(tree)[0]),
    "lists such as train.txt or ucf101_train_split_1_videos.txt, 'path label' a line",
)
def read_mmaction2(found: Collected) -> Layout:
    """``path label``, ``path label label ...`` or ``folder total_frames label`` a line.

    As ``VideoDataset`` and ``RawframeDataset`` read them (MMAction2's documentation,
    "Prepare Dataset"). The paths are absolute, or below any folder of the tree, such as
    ``videos_train`` or ``rawframes``. Names of classes are in ``classes.txt`` or
    ``label_map*.txt``, or in the ``category.txt`` of TRN and TSM, whose lists
    ``train_videofolder.txt`` are of the same form; without, numbers are their names. Of
    several lists of a split the one with the shortest name is read (the first division
    of several). Lists of arrays of sound (``.npy``) are passed:
    ``LoadClipAudioFeature`` finds them by the videos' names.
    """
    tree = found.tree
    lists, passed = lists_of(tree)
    found.notes += passed
    files, of_sound = [], 0
    for file in lists:
        rows = read_rows(str(tree.path(file)), multi_class=True)
        if suffix_of(rows[0].name) == ARRAY:
            of_sound += 1
        else:
            files.append((file, rows))
    frames = [f for f, rows in files if suffix_of(rows[0].name) not in MEDIA_SUFFIXES]
    of_frames = bool(frames) and len(frames) == len(files)
    files = [(f, rows) for f, rows in files if of_frames or f not in frames]
    if frames and not of_frames:
        found.notes.append("lists of frames were passed: there are some of videos")
    if of_sound:
        found.notes.append(f"{of_sound} lists of arrays of sound were passed")
    files = _one_of_each_split(found, files)
    rows = [(f, *_parts(r, of_frames)) for f, rows in files for r in rows]
    names = _class_names(tree)
    highest = max((int(n) for *_, labels in rows for n in labels), default=-1)
    classes = names or [str(number) for number in range(highest + 1)]
    _check(found, files, of_frames, len(classes))
    placed = {f: tree.placing([r.name for r in of], _split(f)) for f, of in files}
    for file, row, total, labels in rows:
        where, split = found.where(file, row.number), _split(file)
        if any(int(label) >= len(classes) for label in labels):
            continue
        place = placed[file](row.name)
        if found.is_new(where, place, row.name):
            numbers = sorted({int(label) for label in labels})
            place = tree.stored(place)
            found.add(where, row.name, place, numbers, split, frames=total)
    several = any(len(labels) > 1 for *_, labels in rows)
    extracted = extracted_beside(tree)
    return found.layout(classes, several, of_frames=of_frames, extracted=extracted)


def _one_of_each_split(found: Collected, files: list) -> list:
    """The list with the shortest name of each split; the others are noted.

    There may be lists of a second and a third division, or of a part of a split.
    """
    chosen: dict[str | None, tuple] = {}
    for file, rows in sorted(files, key=lambda one: (len(one[0]), one[0])):
        if chosen.setdefault(_split(file), (file, rows))[0] != file:
            found.notes.append(f"{file} was passed: {chosen[_split(file)][0]} is read")
    return list(chosen.values())


def _parts(row, of_frames: bool) -> tuple:
    """A row, its number of frames if it has one, and its labels."""
    labels = [label for label in row.labels if label.lstrip("+").isdigit()]
    if of_frames and len(labels) > 1:
        return row, int(labels[0]), labels[1:]
    return row, None, labels


def _check(found: Collected, files: list, of_frames: bool, count: int) -> None:
    """Notes all lines that our data sets would refuse."""
    for file, rows in files:
        rows = [row._replace(labels=_parts(row, of_frames)[2]) for row in rows]
        # a name twice is noted by the collection, whatever its labels
        for number, reasons in row_problems(rows, count, multi_class=True).items():
            for reason in reasons:
                if "another label" not in reason:
                    found.mistake(found.where(file, number), reason)
        blank = [row for row in rows if not row.labels]
        if len(blank) < len(rows):
            for row in blank:
                found.mistake(found.where(file, row.number), "has no label")


def _class_names(tree: Tree) -> list[str] | None:
    files = tree.named(CLASSES)
    if len(files) > 1 and len({tree.path(f).read_bytes() for f in files}) > 1:
        raise AnnotationError(
            [f"{tree.path(f)}: one of several files of class names" for f in files]
        )
    return read_class_names(str(tree.path(files[0]))) if files else None
