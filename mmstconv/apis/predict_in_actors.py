"""Recognising files in actors of Ray, on this machine or on a cluster."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from os import fspath
from pathlib import Path
from typing import NamedTuple

from torch import nn

from ..disk import is_remote, public_name
from .inference import has_several_classes, load_recognizer
from .parts import Item, chunk_size, run_parts
from .predictions import as_record, predict_videos
from .tasks import require_classes


class PredictWork(NamedTuple):
    """What actors do.

    Args:
        config: As of :func:`load_recognizer`, and so are the next.
        checkpoint: Of the model.
        device: Where to run.
        trust: Whether a checkpoint may hold Python objects.
        top: As of :func:`~mmstconv.apis.predictions.as_record`.
        threshold: The same.
        batch_size: Files that go through the model at a time.
    """

    config: str
    checkpoint: str
    device: str | None
    trust: bool
    top: int
    threshold: float
    batch_size: int

    def start(self) -> Callable[[list[Item]], list[dict]]:
        model = load_recognizer(
            self.config, self.checkpoint, self.device, trust=self.trust
        )
        require_classes(model)
        return partial(self.rows, model)

    def rows(self, model: nn.Module, items: list[Item]) -> list[dict]:
        names = [item.more for item in items]
        files = [name if is_remote(name) else Path(name) for name in names]
        several = has_several_classes(model)
        return [
            dict(error=str(one.error))
            if one.error
            else as_record(one, self.top, several, self.threshold)
            for one in predict_videos(model, files, batch_size=self.batch_size)
        ]


def predict_by_ray(
    work: PredictWork,
    files: Mapping[str, object],
    known: Mapping[str, dict],
    folder: Path,
    key: Mapping,
    *,
    actors: int | None = None,
    size: int | None = None,
    warn: Callable[[str], None] = lambda text: None,
) -> Callable[[str | Path], dict]:
    """:func:`predict_videos` in actors of Ray, kept in parts.

    Args:
        work: What actors do.
        files: ``{file: its stamp}``, all, in order.
        known: Records of some of them by public name, which are not read again.
        folder: Of the parts.
        key: What the records depend on beside the files.
        actors: As of :func:`~mmstconv.apis.parts.run_parts`.
        size: The same. None: by their number, in whole batches.
        warn: The same.

    Returns:
        A function that gives the record of a file, or raises ``OSError``.
    """
    items = [Item(public_name(name), at, name) for name, at in files.items()]
    size = size or -(-chunk_size(len(items)) // work.batch_size) * work.batch_size
    gpus = work.device is None or work.device.startswith("cuda")
    options = dict(size=size, actors=actors, gpus=gpus, known=known, warn=warn)
    rows = run_parts(folder, dict(key, command="predict"), items, work.start, **options)
    ready: dict[str, dict] = {}
    left = {item.path for item in items}  # no row of theirs was given

    def read(path: str | Path) -> dict:
        name = public_name(fspath(path))
        while name not in ready:
            row = next(rows)
            left.remove(row["path"])
            ready[row.pop("path")] = row
            if not left:  # it has more to do than to give rows: old parts, actors
                next(rows, None)
        row = ready.pop(name)
        del row["stamp"]
        if row.get("error"):
            about = f"{name}: " if row.get("lost") else ""
            raise OSError(about + row["error"])
        return row

    return read
