"""Features of many files in actors of Ray, on this machine or on a cluster."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

from ...disk import is_remote, public_name, state_of
from ...media import MediaError
from ...media.remote import Store
from ..parts import Item, run_parts
from .extract import FeatureReader
from .models import load_feature_model
from .saving import FeatureWriter, lock_features, no_film

PARTS = "features.parts"


class FeatureWork(NamedTuple):
    """What actors do.

    Args:
        model: Arguments of :func:`load_feature_model`.
        reader: Arguments of :class:`FeatureReader` beside the model.
        folder: Where the features go, the same place for all.
        format: Of the files.
        notes: For the metadata of each.
    """

    model: Mapping
    reader: Mapping
    folder: str
    format: str
    notes: Mapping

    def start(self) -> Callable[[list[Item]], list[dict]]:
        reader = FeatureReader(load_feature_model(**self.model), **self.reader)
        writer = FeatureWriter(reader, self.folder, self.format, self.notes)
        return partial(self.rows, writer)

    def rows(self, writer: FeatureWriter, items: list[Item]) -> list[dict]:
        return [self.row(writer, *item.more) for item in items]

    def row(self, writer: FeatureWriter, path: str, name: str) -> dict:
        """What was written of a file, with sizes in bytes."""
        error = writer.save(path, name, no_film)
        if error is not None:
            return dict(name=name, error=error)
        made = {
            os.path.relpath(one, self.folder): one.stat().st_size
            for one in writer.store.paths(name)
        }
        return dict(name=name, error=None, files=made)


def save_features_by_ray(
    work: FeatureWork,
    files: Mapping[str | os.PathLike, str],
    key: Mapping,
    *,
    part: str = "",
    actors: int | None = None,
    size: int | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    warn: Callable[[str], None] = lambda text: None,
) -> dict[str, str]:
    """:func:`save_features` in actors of Ray; the parts say what was written.

    Args:
        work: What actors do.
        files: As of :func:`save_features`.
        key: What features depend on beside the files, as far as it is known without
            the model.
        part: As of :func:`save_features`.
        actors: As of :func:`~mmstconv.apis.parts.run_parts`.
        size: The same.
        progress: As of :func:`save_features`.
        warn: The same.

    Returns:
        The same.
    """
    folder = Path(work.folder)
    lock = lock_features(folder, work.format, part, warn)
    items = []
    for path, name in files.items():
        more = os.fspath(path), name
        items.append(Item(public_name(more[0]), _state_of(path), more))
    device = work.model.get("device")
    options = dict(
        actors=actors,
        size=size,
        gpus=device is None or device.startswith("cuda"),
        is_there=lambda row: _is_there(folder, row),
        warn=warn,
    )
    place = folder / (f"{PARTS}.{part}" if part else PARTS)
    unusable = {}
    try:
        progress(0, len(items))
        rows = run_parts(
            place, dict(key, command="features"), items, work.start, **options
        )
        for done, row in enumerate(rows, 1):
            progress(done, len(items))
            if row["error"] is not None:
                unusable[row["path"]] = row["error"]
    finally:
        lock.release()
    failed = (item for item in items if item.path in unusable)
    return {item.more[0]: unusable[item.path] for item in failed}


def _is_there(folder: Path, row: Mapping) -> bool:
    try:
        found = {name: (folder / name).stat().st_size for name in row["files"]}
    except OSError:
        return False
    return found == row["files"]


def _state_of(path: str | os.PathLike) -> list[int] | None:
    """Size, and time of change where one is known; None if there is no such file."""
    try:
        if is_remote(os.fspath(path)):
            return [Store({}).size(os.fspath(path))]
    except (OSError, MediaError):
        return None
    return state_of(path)
