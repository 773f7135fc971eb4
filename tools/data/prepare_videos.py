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
"""

from __future__ import annotations

import argparse
import errno
import os
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parent))
import file_workers
from prepared_files import (
    Job,
    Journal,
    same_folder,
    state_of,
    target_names,
    videos_below,
)

VERSION = 1  # raise it whenever the same settings give other files
LEFTOVER = re.compile(r"\..+\.mp4\.\d+\.part")
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
    from mmstconv.media.preparing import prepare_media

    source, target = Path(root, job.source), Path(out, job.target)
    state = None
    try:
        state = state_of(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        damage = prepare_media(source, target, form, timeout=timeout)
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

    if len({path.name for path in paths}) < len(paths):
        raise ValueError("annotation files that go to one folder need different names")
    read, problems = [], []
    for path in paths:
        rows = read_rows(str(path))
        problems += [
            f"{path}:{number}: {reason}"
            for number, reasons in row_problems(rows, None, str(root)).items()
            for reason in reasons
        ]
        below = [
            (Path(os.path.relpath(root / row.name, root)).as_posix(), row.labels)
            for row in rows
        ]
        read.append(Annotation(path, below))
    if problems:
        raise AnnotationError(problems)
    return read


def write_annotation(
    annotation: Annotation, out: Path, targets: dict[str, str], failed: set[str]
) -> int:
    """Writes it with the new names; returns how many lines it leaves out."""
    kept = [row for row in annotation.rows if row[0] not in failed]
    lines = [" ".join([targets[name], *labels]) + "\n" for name, labels in kept]
    path = out / annotation.path.name
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    temporary.write_text("".join(lines), encoding="utf-8")
    os.replace(temporary, path)
    return len(annotation.rows) - len(kept)


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
    """
    from mmstconv.media.preparing import TrainingForm, temporary_path

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
    journal = Journal(out, f"{VERSION} {form}")
    try:
        _remove_leftovers(out)
        jobs = [Job(*pair) for pair in targets.items()]
        missing = [job for job in jobs if not journal.has(job, root)]
        work = partial(
            prepare, root=str(root), out=str(out), form=form, timeout=timeout
        )

        def clean_up(job: Job, process: int) -> None:
            temporary_path(out / job.target, process).unlink(missing_ok=True)

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
            count = write_annotation(one, out, targets, failed)
            if count:
                say(f"{out / one.path.name}: {count} lines left out, files that failed")
    finally:
        journal.close()
    say(
        f"{len(jobs)} files: {len(jobs) - len(missing)} were there, "
        f"{len(missing) - len(failed)} made ({sizes[0] / 1e6:.1f} to "
        f"{sizes[1] / 1e6:.1f} MB), {len(failed)} failed"
    )
    return len(failed)


def _remove_leftovers(out: Path) -> None:
    """Of a run that was killed."""
    for folder, _, names in os.walk(out):
        for name in filter(LEFTOVER.fullmatch, names):
            Path(folder, name).unlink(missing_ok=True)


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
    from mmstconv.media.preparing import TrainingForm

    default = TrainingForm()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("videos", type=Path, help="folder of the videos")
    parser.add_argument("out", type=Path, help="folder to write to")
    parser.add_argument(
        "--ann", type=Path, nargs="+", default=[], help="only what these files name"
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
    except (ValueError, FileNotFoundError) as error:
        sys.exit(f"prepare_videos: {error}")
    except KeyboardInterrupt:
        print("\nprepare_videos: interrupted, run again to go on", file=sys.stderr)
        sys.exit(130)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
