"""Re-encodes videos to training form, which a loader reads in a few milliseconds.

    python tools/data/prepare_videos.py data/videos data/videos_128
    python tools/data/prepare_videos.py data/ucf101/videos data/ucf101/videos_128 \
        --ann data/ucf101/ucf101_train_split_1_videos.txt \
              data/ucf101/ucf101_val_split_1_videos.txt

All videos of a folder, or those that MMAction2's annotation files name, go to the same
places in another folder, as .mp4: short side 128, a key frame every 16 frames, mono
sound at 16 kHz. Time stamps stay, frames are upright, and what a file lacks (sound,
video) it still lacks. In the config only ``data_prefix`` and ``ann_file`` change:
annotation files of the same names, with the new names in them, are written beside.

Two files whose names differ in the suffix alone become ``a.avi.mp4`` and ``a.mp4``. A
file that cannot be read is named with its reason, is left out of the new annotation,
and makes the exit code 1. Safe to interrupt: no file is ever half there, and a rerun
makes what is missing, what has changed, and what was made with other settings.

Nothing is ever written over that this tool did not write, or that was changed since:
such files are named before the first is written, and the run ends.
"""

from __future__ import annotations

import argparse
import errno
import os
import sys
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parent))
import file_workers
from prepared_files import (
    JOURNAL,
    Job,
    Journal,
    place_problems,
    read_journal,
    same_folder,
    state_of,
    target_names,
    up_to_date,
    videos_below,
)

from mmstconv.disk import (
    FolderLock,
    local_path,
    print_any_name,
    refuse_foreign,
    remove_unfinished,
    unfinished_path,
    write_own,
)

SHOWN = 20  # lines of a message
VERSION = 1  # raise it whenever the same settings give other files
# The machine's fault, not the file's: the next one would fail as well.
MACHINE = {errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.EROFS}


class Outcome(NamedTuple):
    """What came of a job.

    Args:
        source: Size and time of change of the source, before it was read.
        size: Of the target in bytes; None if it failed.
        reason: Why it failed.
        damage: What was found broken in a file that was used all the same.
        ends_run: Whether others would fail for the same reason.
    """

    source: tuple[int, int] | None
    size: int | None = None
    reason: str = ""
    damage: tuple[str, ...] = ()
    ends_run: bool = False


def prepare(job: Job, root: str, out: str, form, timeout: float | None) -> Outcome:
    """Re-encodes one file; an error is part of the outcome."""
    from mmstconv.media.writing.preparing import prepare_media

    source, target = Path(root, job.source), Path(out, job.target)
    state = None
    try:
        state = state_of(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        damage = prepare_media(source, target, form, timeout=timeout, record=out)
        return Outcome(state, target.stat().st_size, damage=damage)
    except Exception as error:
        reason = str(error) or type(error).__name__
        reason = reason.removeprefix(f"{source}: ")
        return Outcome(state, reason=reason, ends_run=_is_of_the_machine(error))


def _is_of_the_machine(error: BaseException | None) -> bool:
    while error is not None:
        if getattr(error, "errno", None) in MACHINE:
            return True
        error = error.__cause__
    return False


class Annotation(NamedTuple):
    """A file of lines ``path label``; names are below the folder of the videos."""

    path: Path
    rows: list[tuple[str, list[str]]]


def read_annotations(paths: Sequence[Path], root: Path) -> list[Annotation]:
    """Reads them strictly, as ``MultiModalVideoDataset`` does."""
    from mmstconv.datasets.annotation import AnnotationError, read_rows, row_problems

    read, problems = [], []
    for path in paths:
        rows = read_rows(str(path))
        problems += [
            f"{path}:{number}: {reason}"
            for number, reasons in row_problems(rows, None, str(root)).items()
            for reason in reasons
        ]
        below = []
        for row in rows:
            name = Path(os.path.relpath(root / row.name, root)).as_posix()
            if ".." in row.name and not _is_same(root / row.name, root / name):
                problems.append(
                    f"{path}:{row.number}: '{row.name}' goes up from a link: name the "
                    "file where it is"
                )
            below.append((name, row.labels))
        read.append(Annotation(path, below))
    if problems:
        raise AnnotationError(problems)
    return read


def _is_same(one: Path, other: Path) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)


def annotation_text(
    annotation: Annotation, targets: dict[str, str], failed: Collection[str] = ()
) -> str:
    """Its lines with the new names, without files that failed."""
    return "".join(
        " ".join([targets[name], *labels]) + "\n"
        for name, labels in annotation.rows
        if name not in failed
    )


def write_annotation(
    annotation: Annotation, out: Path, targets: dict[str, str], failed: set[str]
) -> str:
    """Writes it with the new names; returns what there is to say of it."""
    path = out / annotation.path.name
    text = annotation_text(annotation, targets, failed)
    if not text:
        return f"{path}: not written, all its files failed"
    if not _holds(path, text):
        write_own(path, text)
    count = len(annotation.rows) - text.count("\n")
    return f"{path}: {count} lines left out, files that failed" if count else ""


def _holds(path: Path, text: str) -> bool:
    return path.is_file() and path.read_bytes() == text.encode()


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
        if not _holds(path, annotation_text(one, targets)):
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

    Returns:
        How many files failed.

    Raises:
        ValueError: If the arguments cannot be used, or the machine cannot go on.
        ForeignFile: If files are in the way that were not written here.
        FolderInUse: If another run is writing there.
    """
    from mmstconv.media.writing.preparing import TrainingForm

    if not root.is_dir():
        raise ValueError(f"there is no folder '{root}'")
    if same_folder(root, out):
        raise ValueError("the videos would be written over: give another folder")
    lists = read_annotations(annotations, root)
    names = {name for one in lists for name, _ in one.rows}
    names = names if lists else videos_below(root, out)
    if not names:
        raise ValueError(f"'{root}' holds no video")
    form = form or TrainingForm()
    targets = target_names(names, root)
    failed: set[str] = set()
    sizes = [0, 0]
    jobs = [Job(*pair) for pair in targets.items()]
    settings = f"{VERSION} {form}"
    made = read_journal(out / JOURNAL)
    missing = [job for job in jobs if not up_to_date(job, root, out, made, settings)]
    refuse_to_destroy(root, out, lists, targets, missing)
    lock = FolderLock(out, "a run of prepare_videos", "Wait for it or end it", say)
    journal = None
    try:
        journal = Journal(out, settings)
        remove_unfinished(out, below=True)
        work = partial(
            prepare, root=str(root), out=str(out), form=form, timeout=timeout
        )

        def clean_up(job: Job, process: int) -> None:
            unfinished_path(out / job.target, process).unlink(missing_ok=True)

        ended = file_workers.run(missing, work, workers, clean_up)
        for done in _shown(ended, len(missing)):
            outcome = done.answer or Outcome(
                None, reason=f"the decoder ended its process ({done.exit_code})"
            )
            source = root / done.job.source
            if outcome.ends_run:
                raise ValueError(f"{source}: {outcome.reason}")
            if outcome.size is None:
                failed.add(done.job.source)
                say(f"{source}: {outcome.reason}")
                continue
            journal.add(done.job, outcome.source, outcome.size)
            sizes[0], sizes[1] = sizes[0] + outcome.source[0], sizes[1] + outcome.size
            if outcome.damage:
                say(f"{source}: used, but {', '.join(outcome.damage)}")
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


def _shown(done: Iterable, total: int) -> Iterable:
    if not total:
        return done
    from tqdm import tqdm

    bar = {"desc": "preparing", "unit": "file", "total": total}
    if not sys.stderr.isatty():
        bar["mininterval"] = 10  # a log wants few lines
    return tqdm(done, **bar)


def _say(text: str) -> None:
    from tqdm import tqdm

    tqdm.write(text)


def main(arguments: list[str] | None = None) -> None:
    print_any_name()
    from mmstconv.media.writing.preparing import TrainingForm

    default = TrainingForm()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("videos", type=local_path, help="folder of the videos")
    parser.add_argument("out", type=local_path, help="folder to write to")
    parser.add_argument(
        "--ann",
        type=local_path,
        nargs="+",
        default=[],
        help="only what these files name",
    )
    parser.add_argument(
        "--short-side", type=int, default=default.short_side, help="pixels"
    )
    parser.add_argument(
        "--key-frame-every", type=int, default=default.key_frame_every, help="frames"
    )
    parser.add_argument(
        "--sample-rate", type=int, default=default.sample_rate, help="of the sound"
    )
    parser.add_argument(
        "--crf", type=int, default=default.crf, help="of H.264; larger is worse"
    )
    parser.add_argument(
        "--workers", type=int, default=os.cpu_count() or 1, help="processes"
    )
    args = parser.parse_args(arguments)
    if args.workers < 1:
        parser.error("--workers must be positive")
    try:
        form = TrainingForm(
            args.short_side, args.key_frame_every, args.sample_rate, args.crf
        )
        failed = prepare_videos(
            args.videos, args.out, args.ann, form, args.workers, say=_say
        )
    except (ValueError, OSError) as error:
        sys.exit(f"prepare_videos: {error}")
    except KeyboardInterrupt:
        print("\nprepare_videos: interrupted, run again to go on", file=sys.stderr)
        sys.exit(130)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
