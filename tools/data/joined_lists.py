"""Lists of clips that are to be joined, read strictly."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple


class Clip(NamedTuple):
    """A clip that can be joined.

    Args:
        path: The file.
        label: Name of its class; None where the list has no labels.
        start: When its first frame is shown, in seconds of the file.
        seconds: From there to its end.
    """

    path: str
    label: str | None
    start: float
    seconds: float


def read_clips(
    path: Path, root: Path | None, classes: str | None
) -> tuple[list[Clip], list[str]]:
    """The clips of a list of lines ``path label`` and the names of its classes.

    Args:
        path: The list.
        root: Folder that its paths begin at; None: that of the list.
        classes: File of the names; None: ``classes.txt`` beside the list, if there.

    Raises:
        AnnotationError: Lines or files cannot be used; lists them all.
        FileNotFoundError: There is no such list.
    """
    from mmstconv.datasets.annotation import AnnotationError, read_rows, row_problems
    from mmstconv.datasets.class_names import find_class_names

    root = path.parent if root is None else root
    rows = read_rows(str(path))
    names = find_class_names(classes, str(path), None)
    wrong = row_problems(rows, len(names) if names else None, str(root))
    if names is None and any(row.labels for row in rows):
        wrong[rows[0].number] = [
            f"there is no {path.parent / 'classes.txt'} with the names of the labels: "
            "name another file"
        ]
    clips = []
    for row in rows:
        if row.number not in wrong:
            label = names[int(row.labels[0])] if row.labels else None
            try:
                clips.append(_probed(os.fspath(root / row.name), label))
            except (ValueError, OSError) as error:
                wrong[row.number] = [str(error)]
    if wrong:
        raise AnnotationError(
            [f"{path}:{n}: {why}" for n in sorted(wrong) for why in wrong[n]]
        )
    return clips, names or []


def other_clips(
    clips: Sequence[Clip], events: Sequence[Clip], classes: Sequence[str], where: Path
) -> list[Clip]:
    """Those that can be background: their class is none of the events'.

    Raises:
        ValueError: None is left, or a clip without a label is an event.
    """
    known = {os.path.realpath(clip.path) for clip in events}
    others = [clip for clip in clips if clip.label not in classes]
    both = [clip.path for clip in others if os.path.realpath(clip.path) in known]
    if both:
        raise ValueError(
            f"{where}: {len(both)} clips of the background are events as well, such as "
            f"{both[0]}"
        )
    if not others:
        raise ValueError(f"{where}: has no clip of a class that is none of the events'")
    return others


def _probed(path: str, label: str | None) -> Clip:
    from mmstconv.media import open_media

    with open_media(path) as media:
        if not media.has_video:
            raise ValueError(f"{path} has no picture")
        start, end = media.extent
    return Clip(path, label, start, end - start)
