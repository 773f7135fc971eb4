"""The files of a folder as they will be listed, and those that will not."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from ...datasets.annotation import clipped, shown
from ...datasets.official import FORMS, Layout, Sample, find_layout, read_layout
from ...media.video_files import videos_below
from ..check import FileCheck
from .lists import listed_name, name_problem
from .splitting import TRAIN

WHOLE = 1e6  # seconds, longer than any film: the end of a part that is all of it
TABLES = {".csv", ".tsv", ".txt", ".json", ".xlsx", ".xls"}
SHOWN_TABLES = 3
HEAD = 4096  # bytes of a table that its first line is looked for in
EXPECTED = """expected in it is one of
  CLASS/video.mp4          a folder for each class
  train/CLASS/video.mp4    the same, and val/CLASS, or val and test
  train.txt, and maybe val.txt and test.txt, of lines `path label`, labels are
                           numbers from 0; the names of the classes in classes.txt
  a data set as it is distributed: {forms}
(docs/own_videos.md)"""


class Item(NamedTuple):
    """A file that is listed.

    Args:
        name: In the lists.
        labels: Of its classes.
        check: What it holds.
        official: Its split by the files of the data set; None if they do not say.
        group: Its source by those; None if they do not say.
        source: Number of its source.
        split: The one it is in.
        segment: Begin and end in seconds of the part that is meant; None: all.
    """

    name: str
    labels: tuple[int, ...]
    check: FileCheck
    official: str | None = None
    group: str | None = None
    source: int = -1
    split: str = TRAIN
    segment: tuple[float, float] | None = None

    @property
    def part(self) -> str:
        """Its name and times, as a list of parts of files has them."""
        start, end = self.segment or (0.0, WHOLE)
        return f"{self.name} {start:.3f} {end:.3f}"


class LeftOut(NamedTuple):
    """A file that is in no list.

    Args:
        name: Below the folder.
        reason: Why.
        check: What it holds, if it was looked at.
    """

    name: str
    reason: str
    check: FileCheck | None = None


def layout_of(folder: Path, name: str | None = None, mend: bool = False) -> Layout:
    """How a folder is laid out, with at least two classes.

    Args:
        folder: Of the videos.
        name: Of the layout; None: as it looks.
        mend: Whether to leave out lines of its lists that repeat earlier ones.

    Raises:
        ValueError: It is laid out in no known way, or there is nothing to tell apart.
        OSError: There is no such folder.
    """
    if not folder.is_dir():
        raise NotADirectoryError(f"there is no folder {folder}")
    found = (
        find_layout(folder, mend) if name is None else read_layout(folder, name, mend)
    )
    if found is None or not found.samples:
        raise ValueError(f"{_why_none(folder)}; {_expected()}{_of_no_form(folder)}")
    if found.of_frames:
        raise ValueError(
            f"{folder} holds extracted frames ({found.name}), and init reads videos: "
            "configs/recognition/extracted/README.md has configs for frames"
        )
    if len(found.classes) < 2 and not found.multi_label:
        raise ValueError(
            f"all videos of {folder} are of one class, {found.classes[0]!r}: a model "
            f"learns to tell classes apart, so it needs two; {_expected()}"
        )
    return found


def _expected() -> str:
    return EXPECTED.format(forms=", ".join(FORMS))


def _why_none(folder: Path) -> str:
    """Why a folder is laid out in no known way."""
    videos = videos_below(folder)
    parents = {path.parent for path in videos}
    if not videos:
        return f"there are no videos in {folder}"
    if len(parents) == 1 and folder not in parents:
        return (
            f"all videos of {folder} are in one folder, {parents.pop()}: a model "
            "learns to tell classes apart, so it needs two"
        )
    return f"nothing says of which classes the {len(videos)} videos of {folder} are"


def _of_no_form(folder: Path) -> str:
    """Files that look as if they should say which classes there are."""
    tables = [one for one in folder.iterdir() if one.suffix.lower() in TABLES]
    lines = [
        f"\n{clipped(one.name)} has none of these forms; it begins with "
        f"{shown(_first_line(one))}"
        for one in sorted(tables)
        if one.is_file()
    ]
    return "".join(lines[:SHOWN_TABLES])


def _first_line(path: Path) -> str:
    with path.open("rb") as file:
        line, *_ = file.read(HEAD).decode("utf-8-sig", "replace").splitlines() or [""]
    return line


def items_of(
    layout: Layout, folder: Path, checks: Sequence[FileCheck]
) -> tuple[list[Item], list[LeftOut]]:
    """What can be listed, and what cannot.

    Args:
        layout: Of the folder.
        folder: Of the videos.
        checks: Of each sample's file.
    """
    items: dict[tuple, Item] = {}
    left_out = []
    with_pictures = {
        check.path.with_suffix("") for check in checks if check.codec is not None
    }
    some_official = any(one.split for one in layout.samples)
    for sample, check in zip(layout.samples, checks, strict=True):
        name = listed_name(sample.path, folder)
        listed = items.get((name, sample.segment))
        reason = _reason(sample, check, name, listed, some_official, layout)
        if check.codec is None and check.path.with_suffix("") in with_pictures:
            reason = reason or "is the sound of a video beside it"
        if reason:
            left_out.append(LeftOut(name, reason, check))
            continue
        items[name, sample.segment] = Item(
            name,
            sample.labels,
            check,
            official=sample.split,
            group=sample.group,
            segment=sample.segment,
        )
    return list(items.values()), left_out


def _reason(
    sample: Sample,
    check: FileCheck,
    name: str,
    listed: Item | None,
    some_official: bool,
    layout: Layout,
) -> str | None:
    """Why a sample cannot be listed; None if it can."""
    if check.error:
        return check.error
    if not sample.labels and not layout.multi_label:
        return "nothing says of which class it is"
    if some_official and sample.split is None:
        return "the lists of the data set do not name it"
    if listed is not None:
        same = listed.labels == sample.labels
        return "is listed twice" if same else "is listed with other classes already"
    return name_problem(name)


def videos_without_class(layout: Layout, folder: Path) -> list[LeftOut]:
    """Videos of the folder that the layout does not speak of."""
    real = lru_cache(None)(os.path.realpath)  # of folders, which links may name too
    known = {(real(one.path.parent), one.path.name) for one in layout.samples}
    return [
        LeftOut(listed_name(path, folder), "nothing says of which class it is")
        for path in videos_below(folder)
        if (real(path.parent), path.name) not in known
    ]
