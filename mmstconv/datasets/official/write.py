"""Writes what a data set says as the lists that our data sets read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from mmstconv.disk import refuse_foreign, write_own

from .extracted import FLOW
from .layout import SPLITS, Layout, Sample
from .tree import IMAGE

CLASSES = "classes.txt"
MISSING = "missing.txt"
UNSPLIT = "all"


class Written(NamedTuple):
    """Lists that were written, and what a config needs for them.

    Args:
        files: By split, or ``'all'``: the path of the list.
        dataset: Settings of the data set, the same for all of them.
        left_out: Samples whose names no line can hold.
    """

    files: dict[str, Path]
    dataset: dict
    left_out: list[Path]


def write_lists(layout: Layout, root: Path, out: Path) -> Written:
    """``train.txt``, ``val.txt``, ``test.txt``, ``classes.txt``; maybe ``missing.txt``.

    Samples of no split are in ``all.txt``. A line is ``path label ...``, of segments
    ``path start end label ...``, of frames ``folder total label ...``.

    Args:
        layout: The data set.
        root: Folder that the paths are below.
        out: Folder of the lists; made if it is not there.

    Raises:
        ForeignFile: A file of one of the names is there already and is not ours.
    """
    segments = any(sample.segment is not None for sample in layout.samples)
    texts: dict[str, list[str]] = {}
    left_out = []
    for sample in layout.samples:
        name = Path(os.path.relpath(sample.path, root)).as_posix()
        if not _fits_a_line(name):
            left_out.append(sample.path)
            continue
        line = _line(name, sample, layout, segments)
        texts.setdefault(sample.split or UNSPLIT, []).append(line)
    lists = {split: f"{split}.txt" for split in (*SPLITS, UNSPLIT) if split in texts}
    contents = {name: texts[split] for split, name in lists.items()}
    contents[CLASSES] = layout.classes
    # as Python writes them: a line of this file holds them whatever they are
    unfit = [f"{os.fspath(path)!a}: no line can hold the name" for path in left_out]
    if gone := [*layout.missing, *unfit]:
        contents[MISSING] = gone
    out.mkdir(parents=True, exist_ok=True)
    paths = {name: out / name for name in contents}
    refuse_foreign(paths.values())
    for name, lines in contents.items():
        write_own(paths[name], "\n".join(lines) + "\n")
    files = {split: paths[name] for split, name in lists.items()}
    return Written(files, dataset_settings(layout, root), left_out)


def dataset_settings(layout: Layout, root: Path) -> dict:
    """Settings of the data set that reads the lists: its type, prefix and labels."""
    segments = any(sample.segment is not None for sample in layout.samples)
    kind, prefix = "MultiModalVideoDataset", "video"
    if layout.of_frames:
        kind, prefix = "MultiModalRawframeDataset", "img"
    elif segments:
        kind = "MultiModalSegmentDataset"
    settings = dict(
        type=kind,
        data_prefix={prefix: os.fspath(root)},
        num_classes=len(layout.classes),
    )
    return dict(settings, multi_class=True) if layout.multi_label else settings


def _line(name: str, sample: Sample, layout: Layout, segments: bool) -> str:
    parts = [name]
    if segments:
        # of whole files beside parts of others: longer than any film
        start, end = sample.segment or (0.0, 1e6)
        parts += [f"{start:.3f}", f"{end:.3f}"]
    if layout.of_frames and (sample.frames is not None or layout.multi_label):
        parts.append(str(sample.frames or _images(sample.path)))
    return " ".join([*parts, *map(str, sample.labels)])


def _images(folder: Path) -> int:
    """Images of a folder of frames, without those of flow."""
    found = map(IMAGE.fullmatch, os.listdir(folder))
    return sum(one is not None and one["kind"] not in FLOW for one in found)


def _fits_a_line(name: str) -> bool:
    """Whether a line of a list gives back the name."""
    if name != name.strip() or "\n" in name or "\r" in name or "\0" in name:
        return False
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    words = name.split()
    number_last = len(words) > 1 and words[-1].isdigit()  # read as a label
    return not name.startswith("..") and not number_last and name != "."
