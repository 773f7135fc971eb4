"""Where what is extracted from videos goes, and whose it is that lies there."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NamedTuple

from ...datasets.transforms.extracted import companion
from ...disk import ForeignFile, is_own, is_own_folder, journal_lines, state_of
from ...media.video_files import VIDEO_SUFFIXES

IMAGES, FEATURES = "rawframes", "audio_features"
JOURNAL = "extracted.jsonl"
SHOWN = 20  # lines of a message
FORM = {"mmstconv extract": 1}  # raise it whenever the same form gives other files


class Place(NamedTuple):
    """A video and where its files go.

    Args:
        name: Of the folder of images, below that of all; lists name it.
        source: The video.
        images: Folder of its images.
        feature: File of its sound.
    """

    name: str
    source: Path
    images: Path
    feature: Path


def places_of(names: Iterable[str], root: Path, out: Path) -> dict[str, Place]:
    """``{name of a video: where its files go}``.

    Two videos whose names differ in the suffix alone go to ``a.avi`` and ``a.mp4``, as
    does one beside a folder ``a`` of videos.

    Args:
        names: Below ``root``, with slashes.
        root: Folder of the videos.
        out: Folder to write to.

    Raises:
        ValueError: Features of two videos would go to one file, as lists name them by
            their folder's name alone; names all such.
    """
    names = sorted(set(names))
    stems = Counter(map(_stem, names))
    folders = {str(above) for name in names for above in PurePosixPath(name).parents}
    places, features, problems = {}, {}, []
    for name in names:
        target = _stem(name)
        if stems[target] > 1 or target in folders:
            target = name
        images = out / IMAGES / target
        pattern = os.path.join(_plain(out), FEATURES, "{parent}", "{stem}.npy")
        feature = companion(pattern, dict(frame_dir=os.fspath(images)))
        other = features.setdefault(feature, name)
        if other != name:
            both = f"{root / other} and {root / name}"
            problems.append(f"{both} would both have {feature}")
        places[name] = Place(target, root / name, images, feature)
    if problems:
        raise ValueError(
            "a file of sound is named by its video and the folder that it is in, and "
            "these have the same:\n  " + "\n  ".join(problems[:SHOWN])
        )
    return places


class ExtractionJournal:
    """What was extracted into a folder, a line a video; the last of a video counts.

    Args:
        path: Of the journal; those of other jobs lie beside it.
        form: Of this run, as text.

    Raises:
        ForeignFile: A file of its name is something else.
    """

    def __init__(self, path: Path, form: str) -> None:
        self.path, self.folder, self.form = path, path.parent, form
        self.done: dict[str, Mapping] = {}
        for one in sorted(self.folder.glob(f"{Path(JOURNAL).stem}*.jsonl")):
            head, *lines = journal_lines(one) or [FORM]
            if head == FORM:
                self.done.update((line["name"], line) for line in lines)
            elif one == path:
                raise ForeignFile(
                    f"{one} is there and was not written by this command, or by "
                    "another version: move it, or write to another folder"
                )

    def is_done(self, place: Place) -> bool:
        """Whether a video's files are there, of it as it is now and of this form."""
        known = self.done.get(place.name)
        if known is None or known["form"] != self.form:
            return False
        return (
            known["source"] == state_of(place.source)
            and (not known["has_images"] or is_own_folder(place.images, self.folder))
            and (not known["has_sound"] or place.feature.is_file())
        )

    def begin(self, file: BinaryIO) -> None:
        """Notes go there from now on.

        Args:
            file: Of :attr:`path`, at its end.
        """
        self._file = file
        if os.fstat(file.fileno()).st_size == 0:
            file.write(json.dumps(FORM).encode() + b"\n")

    def add(self, place: Place, outcome: NamedTuple) -> None:
        """Notes a video that was extracted from."""
        known = dict(outcome._asdict(), name=place.name, form=self.form)
        self.done[place.name] = known
        self._file.write(json.dumps(known).encode() + b"\n")


def refuse_to_replace(places: Sequence[Place], out: Path) -> None:
    """To be called before the first file is written.

    Raises:
        ForeignFile: Files are in the way that were not written here; names them.
    """
    foreign = [
        os.fspath(place.images)
        for place in places
        if os.path.lexists(place.images) and not is_own_folder(place.images, out)
    ]
    foreign += [
        os.fspath(place.feature)
        for place in places
        if os.path.lexists(place.feature) and not is_own(place.feature, out)
    ]
    if foreign:
        more = [f"... and {len(foreign) - SHOWN} more"] if foreign[SHOWN:] else []
        raise ForeignFile(
            "nothing was written; these were not written by this command, or were "
            "changed since:\n  "
            + "\n  ".join([*foreign[:SHOWN], *more])
            + "\nmove or delete them, or write to another folder"
        )


def _stem(name: str) -> str:
    stem, suffix = os.path.splitext(name)
    return stem if suffix.lower() in VIDEO_SUFFIXES else name


def _plain(path: Path) -> str:
    """A path in which no brace is a field of a pattern."""
    return os.fspath(path).replace("{", "{{").replace("}", "}}")
