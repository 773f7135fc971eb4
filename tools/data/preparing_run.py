"""Prepares what is missing of a folder of videos: in processes, or in actors of Ray."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

from file_names import part_of, share_of
from prepared_files import (
    Job,
    Journal,
    place_problems,
    read_journals,
    same_folder,
    target_names,
    up_to_date,
    videos_below,
)
from prepared_lists import (
    Annotation,
    annotation_text,
    holds,
    read_annotations,
    write_annotation,
)

from mmstconv.disk import (
    FolderLock,
    file_workers,
    refuse_foreign,
    remove_unfinished,
)
from mmstconv.media.writing.prepare_file import clean_up, outcome_of, prepare_file

SHOWN = 20  # lines of a message
VERSION = 1  # raise it whenever the same settings give other files


def refuse_to_destroy(
    root: Path,
    out: Path,
    lists: Sequence[Annotation],
    targets: dict[str, str],
    missing: Sequence[Job],
) -> None:
    """Nothing that this tool did not write is in the way.

    Raises:
        ValueError: Files cannot go where they would; lists why.
        ForeignFile: There are other files; lists them.
    """
    problems = place_problems(root, out, targets, [one.path for one in lists])
    if problems:
        raise ValueError("nothing was written:\n  " + listed(problems))
    wanted = [out / job.target for job in missing]
    for one in lists:
        path = out / one.path.name
        if not holds(path, annotation_text(one, targets)):
            wanted.append(path)
    advice = "move or delete it, or write to another folder"
    refuse_foreign(wanted, out, advice)


def listed(lines: Sequence[str]) -> str:
    rest = len(lines) - SHOWN
    more = [f"... and {rest} more"] if rest > 0 else []
    return "\n  ".join([*lines[:SHOWN], *more])


def prepare_videos(
    root: Path,
    out: Path,
    annotations: Sequence[Path] = (),
    form=None,
    workers: int = 1,
    timeout: float | None = 60.0,
    say: Callable[[str], None] = print,
    shard: str | None = None,
    ray: Mapping | None = None,
) -> int:
    """Prepares what is missing.

    Args:
        root: Folder of the videos.
        out: Folder to write to.
        annotations: Only what these name; without any, every video of the folder.
        form: A ``TrainingForm``; None is its defaults.
        workers: Processes.
        timeout: Seconds that each read may take.
        say: Where messages go.
        shard: ``'i/n'``: only the files of one of several jobs, and no annotation
            files: a last run without it writes these.
        ray: Work in actors of Ray instead: ``actors``, ``size`` and ``warn`` of
            :func:`~mmstconv.apis.parts.run_parts`.

    Returns:
        How many files failed.

    Raises:
        ValueError: If the arguments cannot be used, or the machine cannot go on.
        ForeignFile: If files are in the way that were not written here.
        FolderInUse: If another run is writing there.
    """
    from mmstconv.media.writing.preparing import TrainingForm

    lists, targets = _targets(root, out, annotations)
    form = form or TrainingForm()
    jobs = [Job(name, targets[name]) for name in share_of(targets, shard)]
    settings = f"{VERSION} {form}"
    made = read_journals(out)
    missing = [job for job in jobs if not up_to_date(job, root, out, made, settings)]
    refuse_to_destroy(root, out, lists, targets, missing)
    lists = lists if shard is None else []
    part = part_of(shard)
    lock = FolderLock(
        out, "a run of prepare_videos", "Wait for it or end it", say, part
    )
    journal = None
    try:
        journal = Journal(out, settings, shard)
        remove_unfinished(out, below=True)
        places = dict(root=str(root), out=str(out))
        if ray is None:
            work = partial(prepare_file, form=form, timeout=timeout, **places)
            done = file_workers.run(missing, work, workers, partial(clean_up, out))
        else:
            from mmstconv.apis.prepare_in_actors import PrepareWork, prepare_by_ray

            work = PrepareWork(**places, form=form, timeout=timeout)
            known = {job: made[job.target] for job in set(jobs) - set(missing)}
            done = prepare_by_ray(work, jobs, known, settings, part, **ray)
        done = _shown(done, len(missing))
        failed, sizes = _note_all(done, root, journal, say)
        for one in lists:
            remark = write_annotation(one, out, targets, failed)
            if remark:
                say(remark)
    finally:
        if journal is not None:
            journal.close()
        lock.release()
    say(
        f"{len(jobs)} files: {len(jobs) - len(missing)} were there, "
        f"{len(missing) - len(failed)} made ({sizes[0] / 1e6:.1f} to "
        f"{sizes[1] / 1e6:.1f} MB), {len(failed)} failed"
    )
    return len(failed)


def _targets(
    root: Path, out: Path, annotations: Sequence[Path]
) -> tuple[list[Annotation], dict[str, str]]:
    """The annotations, and where each video goes."""
    if not root.is_dir():
        raise ValueError(f"there is no folder '{root}'")
    if same_folder(root, out):
        raise ValueError("the videos would be written over: give another folder")
    lists = read_annotations(annotations, root)
    names = {name for one in lists for name, _ in one.rows}
    names = names if lists else videos_below(root, out)
    if not names:
        raise ValueError(f"'{root}' holds no video")
    return lists, target_names(names, root)


def _note_all(
    ended: Iterable, root: Path, journal: Journal, say: Callable[[str], None]
) -> tuple[set[str], list[int]]:
    """Write down what was made and say what was not.

    Returns:
        The sources that failed, and the bytes of the others before and after.
    """
    failed: set[str] = set()
    sizes = [0, 0]
    for done in ended:
        outcome = outcome_of(done, root)
        source = root / done.job.source
        if outcome.size is None:
            failed.add(done.job.source)
            say(f"{source}: {outcome.reason}")
            continue
        journal.add(done.job, outcome.source, outcome.size)
        sizes[0], sizes[1] = sizes[0] + outcome.source[0], sizes[1] + outcome.size
        if outcome.damage:
            say(f"{source}: used, but {', '.join(outcome.damage)}")
    return failed, sizes


def _shown(done: Iterable, total: int) -> Iterable:
    if not total:
        return done
    from tqdm import tqdm

    bar = {"desc": "preparing", "unit": "file", "total": total}
    if not sys.stderr.isatty():
        bar["mininterval"] = 10  # a log wants few lines
    return tqdm(done, **bar)
