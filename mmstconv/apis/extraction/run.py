"""Extracts from many videos; goes on where an earlier run ended."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from ...disk import (
    file_workers,
    only_writer,
    own_file,
    refuse_foreign,
    remove_unfinished,
    unfinished_path,
)
from ..checking.lists import FileList
from .form import ExtractedForm
from .one import Outcome, extract_one
from .places import ExtractionJournal, Place, refuse_to_replace


class Done(NamedTuple):
    """A video that was worked on.

    Args:
        place: The video, and where its files are.
        outcome: What came of it.
    """

    place: Place
    outcome: Outcome


def extract(
    places: Sequence[Place],
    out: Path,
    form: ExtractedForm,
    journal: ExtractionJournal,
    *,
    workers: int = 1,
    timeout: float | None = 60.0,
) -> Iterator[Done]:
    """Extracts from videos whose files are not there yet.

    Args:
        places: Which of :meth:`ExtractionJournal.is_done` are left out.
        out: Folder that the files are below; it is there.
        form: What to extract.
        journal: Notes what is done.
        workers: Processes; 0 works in this one.
        timeout: Seconds that each read may take.

    Yields:
        Each video when its files are on disk, or have failed.

    Raises:
        ForeignFile: Files are in the way that were not written here; nothing was
            written.
        ValueError: The machine cannot go on: no space, for one.
    """
    left = [place for place in places if not journal.is_done(place)]
    refuse_to_replace(left, out)

    def clean_up(place: Place, process: int) -> None:
        shutil.rmtree(unfinished_path(place.images, process), ignore_errors=True)
        unfinished_path(place.feature, process).unlink(missing_ok=True)

    with only_writer(journal.path) as file:
        journal.begin(file)
        remove_unfinished(out, below=True)
        work = partial(extract_one, out=out, form=form, timeout=timeout)
        for done in file_workers.run(left, work, workers, clean_up):
            outcome = done.answer or Outcome(None, reason=done.death)
            if outcome.ends_run:
                raise ValueError(f"{done.job.source}: {outcome.reason}")
            if not outcome.reason:
                journal.add(done.job, outcome)
            yield Done(done.job, outcome)


def frame_list(
    one: FileList, places: dict[Path, Place], journal: ExtractionJournal
) -> str:
    """A list as of ``RawframeDataset``: ``folder total_frames label`` a line.

    Videos without images are left out.

    Args:
        one: Of videos.
        places: By the paths of its files.
        journal: That knows how many frames there are.
    """
    lines = []
    for file in one.files:
        known = journal.done.get(places[file.path].name)
        if known and known["has_images"]:
            labels = " ".join(map(str, file.labels))
            lines.append(f"{known['name']} {known['frames']} {labels}".rstrip() + "\n")
    return "".join(lines)


def write_lists(
    lists: Sequence[FileList],
    places: dict[Path, Place],
    journal: ExtractionJournal,
    out: Path,
) -> list[Path]:
    """Writes each list with the folders of images in it, under its own name.

    Returns:
        What was written: lists of which something was extracted.

    Raises:
        ForeignFile: Other files have these names.
    """
    texts = {out / one.path.name: frame_list(one, places, journal) for one in lists}
    texts = {path: text for path, text in texts.items() if text}
    refuse_foreign(texts)
    for path, text in texts.items():
        with own_file(path) as part:
            part.write_bytes(os.fsencode(text))
    return list(texts)
