"""Features of many files into a folder; what is there is not computed again."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ...datasets.bad_samples import is_of_the_sample, reason_of
from ...datasets.film_cache import stamp_of
from ...disk import FolderLock, ForeignFile, lasting_name, remove_unfinished, write_own
from ..windows import Window
from .extract import FeatureReader
from .formats import FORMATS, FeatureFiles
from .rows import in_batches

MANIFEST = "features.json"
WHAT = dict(
    streams="weights of the streams",
    pipeline="clips",
    hop="hop",
    joint="weights of the fusion",
    modalities="modalities",
    level="level",
    rate="rate",
    format="format",
)


def save_features(
    reader: FeatureReader,
    files: Mapping[str | os.PathLike, str],
    folder: str | os.PathLike,
    format: str = "npz",
    *,
    notes: Mapping | None = None,
    part: str = "",
    film: Callable[[str], object] | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    warn: Callable[[str], None] = lambda text: None,
) -> dict[str, str]:
    """Writes the features of videos, a file (of ``npy``: a few) for each.

    Each is whole or not there, so it can be ended at any time; called again it makes
    what is missing, and what was made of another content of the video. A folder holds
    features of one kind: those of other weights or options are refused.

    Args:
        reader: Gives the features.
        files: ``{video: name of what is written of it}``, without suffix.
        folder: Made if it is not there.
        format: One of ``FORMATS``: ``'npy'``, ``'npz'``, ``'h5'``, ``'parquet'``.
        notes: More for the metadata of each file, of JSON's types.
        part: Of several jobs that write into the folder at a time, which this is.
        film: A context for each video that is read, told each window.
        progress: Told how many videos are done, and of how many.
        warn: Told what cannot be done here.

    Returns:
        ``{video: reason}`` of those that cannot be read.

    Raises:
        ForeignFile: The folder has features of another kind, or of other videos by
            these names, or a file is in the way that was not written here.
        FolderInUse: Another process writes there.
        ImportError: A package is missing; says what to install.
    """
    lock = lock_features(folder, format, part, warn)
    try:
        writer = FeatureWriter(reader, folder, format, notes)
        unusable = {}
        for number, (path, name) in enumerate(files.items()):
            progress(number, len(files))
            reason = writer.save(path, name, film or no_film)
            if reason is not None:
                unusable[os.fspath(path)] = reason
        progress(len(files), len(files))
    finally:
        lock.release()
    return unusable


def lock_features(
    folder: str | os.PathLike, format: str, part: str, warn: Callable[[str], None]
) -> FolderLock:
    """Holds a folder of features; raises as :func:`save_features`."""
    if format not in FORMATS:
        raise ValueError(f"format is {format!r}, must be one of {', '.join(FORMATS)}")
    FORMATS[format].require()
    advice = "Wait for it or end it"
    lock = FolderLock(folder, "an extraction of features", advice, warn, part=part)
    remove_unfinished(folder, below=True)
    return lock


class FeatureWriter:
    """Writes into a folder that this process, or the one it works for, holds.

    Args:
        reader: As of :func:`save_features`, and so are the others.
        folder: It is there.
        format: One of ``FORMATS``.
        notes: For the metadata.

    Raises:
        ForeignFile: The folder has features of another kind.
    """

    def __init__(
        self,
        reader: FeatureReader,
        folder: str | os.PathLike,
        format: str,
        notes: Mapping | None,
    ) -> None:
        self.reader = reader
        self.about = dict(notes or {}, key=dict(reader.key(), format=format))
        _begin(Path(folder), self.about["key"], reader.widths)
        self.store = FORMATS[format](Path(folder), reader.widths)

    def save(
        self, path: str | os.PathLike, name: str, film: Callable[[str], object]
    ) -> str | None:
        """Writes the features of a video unless they are there; why it cannot be read.

        Raises:
            ForeignFile: As of :func:`save_features`.
        """
        try:
            stamp = stamp_of(path)
            if not _is_done(self.store, name, path, stamp):
                with film(os.fspath(path)) as watch:
                    about = dict(self.about, film=stamp)
                    _save_one(self.reader, self.store, path, name, about, watch)
        except Exception as error:
            if isinstance(error, ForeignFile) or not is_of_the_sample(error):
                raise
            return reason_of(error, os.fspath(path))
        return None


def _begin(folder: Path, key: Mapping, widths: Mapping[str, int]) -> None:
    """Writes what the features are made of, or compares it.

    Raises:
        ForeignFile: They are made of something else; says of what.
    """
    path = folder / MANIFEST
    key = json.loads(json.dumps(key))
    try:
        made = json.loads(path.read_bytes())["key"]
    except FileNotFoundError:
        text = json.dumps(dict(key=key, widths=dict(widths)), indent=1)
        write_own(path, text + "\n")
        return
    except (ValueError, KeyError, TypeError):
        made = {}
    other = [what for name, what in WHAT.items() if made.get(name) != key[name]]
    if other:
        raise ForeignFile(
            f"{folder} has features of another kind (other {', '.join(other)}): give "
            "another folder, or delete this one"
        )


def _is_done(store: FeatureFiles, name: str, path, stamp: Mapping) -> bool:
    """Whether the features of a video are there.

    Raises:
        ForeignFile: By this name there are those of another video.
    """
    known = store.metadata(name)
    if known is None:
        return False
    if known.get("film") == stamp:
        return True
    here = lasting_name(path)
    if known.get("file") not in (None, here):
        raise ForeignFile(
            f"{store.path(name)} has the features of {known['file']}, another file "
            f"than {here}: give another folder"
        )
    return False


def _save_one(
    reader: FeatureReader,
    store: FeatureFiles,
    path: str | os.PathLike,
    name: str,
    about: Mapping,
    watch: Callable[[Window], None],
) -> None:
    batches = in_batches(reader.rows(path, watch))
    first = next(batches)  # a file that cannot be opened leaves nothing behind
    count, end, presence = 0, 0.0, first.presence
    with store.writing(name) as rows:
        for batch in itertools.chain([first], batches):
            rows.append(batch)
            count, end = count + batch.count, float(batch.seconds[-1, 1])
        rows.finish(
            dict(
                about,
                file=lasting_name(path),
                modalities=reader.modalities,
                widths=reader.widths,
                presence={one: bool(here) for one, here in presence.items()},
                rows=count,
                end=end,
            )
        )


@contextmanager
def no_film(path: str) -> Iterator[Callable[[Window], None]]:
    yield lambda window: None
