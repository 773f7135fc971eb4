"""Preparing videos in actors of Ray, on this machine or on a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from ..disk import file_workers, remove_unfinished, state_of
from ..media.writing.prepare_file import (
    Job,
    Outcome,
    clean_up,
    outcome_of,
    prepare_file,
)
from ..media.writing.preparing import TrainingForm
from .parts import Item, run_parts

PARTS = "prepared.parts"


class PrepareWork(NamedTuple):
    """What actors do.

    Args:
        root: Folder of the videos, the same place for all.
        out: Folder to write to, the same place for all.
        form: What files are re-encoded to.
        timeout: Seconds that each read may take.
    """

    root: str
    out: str
    form: TrainingForm
    timeout: float | None

    def start(self) -> Callable[[list[Item]], list[dict]]:
        return self.rows

    def rows(self, items: list[Item]) -> list[dict]:
        """A process of its own works: a file may crash it.

        Raises:
            ValueError: The machine cannot go on.
        """
        jobs = [Job(item.path, item.more) for item in items]
        work = partial(prepare_file, **self._asdict())
        found = file_workers.run(jobs, work, 1, partial(clean_up, self.out))
        rows = {done.job: self.row(done) for done in found}
        return [rows[job] for job in jobs]

    def row(self, done: file_workers.Done) -> dict:
        found = outcome_of(done, self.root)
        error = found.reason if found.size is None else None
        kept = dict(source=found.source, size=found.size, damage=found.damage)
        return dict(target=done.job.target, error=error, **kept)


def prepare_by_ray(
    work: PrepareWork,
    jobs: Sequence[Job],
    known: Mapping[Job, Sequence],
    settings: str,
    part: str = "",
    *,
    actors: int | None = None,
    size: int | None = None,
    warn: Callable[[str], None] = lambda text: None,
) -> Iterator[file_workers.Done]:
    """:func:`prepare_file` in actors of Ray; the parts say what was written.

    Args:
        work: What actors do.
        jobs: All.
        known: What a journal says of those that are done: source, its size and time of
            change, size of the target, settings.
        settings: All that targets depend on beside their sources.
        part: Of several runs that write into the folder at a time, which this is.
        actors: As of :func:`~mmstconv.apis.parts.run_parts`.
        size: The same.
        warn: The same.

    Yields:
        Each job that is not known, as soon as its part is written.
    """
    out = Path(work.out)
    items = []
    for job in jobs:
        state = state_of(Path(work.root, job.source))
        items.append(Item(job.source, [state, settings], job.target))
    rows = {
        job.source: dict(
            target=job.target,
            error=None,
            source=list(entry[1:3]),
            size=entry[3],
            damage=[],
        )
        for job, entry in known.items()
    }
    options = dict(size=size, actors=actors, known=rows, warn=warn)
    options["is_there"] = lambda row: _is_there(out, row)
    place = out / (f"{PARTS}.{part}" if part else PARTS)
    try:
        for row in run_parts(
            place, dict(command="prepare"), items, work.start, **options
        ):
            if row["path"] not in rows:
                yield _done(row)
    finally:
        remove_unfinished(out, below=True)  # of actors that have died


def _done(row: Mapping) -> file_workers.Done:
    if row["error"] is not None:
        found = Outcome(None, reason=row["error"])
    else:
        source, damage = tuple(row["source"]), tuple(row["damage"])
        found = Outcome(source, row["size"], damage=damage)
    return file_workers.Done(Job(row["path"], row.get("target")), 0, found)


def _is_there(out: Path, row: Mapping) -> bool:
    try:
        return (out / row["target"]).stat().st_size == row["size"]
    except OSError:
        return False
