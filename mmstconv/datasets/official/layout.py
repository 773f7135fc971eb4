"""What a data set on a disk is, whatever form it was published in."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

SPLITS = ("train", "val", "test")
SPLIT_OF = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "validate", "dev"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}


class Sample(NamedTuple):
    """A file, or a part of one, with its labels.

    Args:
        path: Of the media file, or of the folder of its frames.
        labels: Numbers of its classes; none where the data set does not tell.
        split: One of ``SPLITS`` where the data set says so.
        group: What its source is called, where name or folder tell: samples of one
            group belong into one split.
        segment: Begin and end in seconds of the file; None: all of it.
        frames: Of a folder of frames, how many there are, where a list says so.
    """

    path: Path
    labels: tuple[int, ...]
    split: str | None = None
    group: str | None = None
    segment: tuple[float, float] | None = None
    frames: int | None = None


class Layout(NamedTuple):
    """A data set as its files say it.

    Args:
        name: Of the form, as ``read_layout`` takes it.
        samples: Of files that are there.
        classes: Names in the order of the labels' numbers.
        multi_label: Whether a sample may have several labels, or none.
        missing: ``file:line: name`` of each sample that no file was found for.
        notes: What there is to say of it, a sentence each.
        of_frames: Whether the paths are folders of images.
        extracted: Patterns of what was extracted beside, by modality, as
            ``LoadClipAudioFeature`` and ``LoadFlowImages`` take them.
    """

    name: str
    samples: list[Sample]
    classes: list[str]
    multi_label: bool
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    of_frames: bool = False
    extracted: tuple[tuple[str, str], ...] = ()


def split_of(folder: str) -> str | None:
    """The split that a folder of that name is for."""
    return SPLIT_OF.get(folder.lower())
