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

With ``--shards N`` the prepared files of each list are written into N tars as well, in
``shards`` below the folder (tools/data/write_shards.py).

Several jobs share the work by ``--shard 0/4`` to ``3/4`` and one folder to write to; a
last run without it makes what they have left, and the annotation files.

Nothing is ever written over that this tool did not write, or that was changed since:
such files are named before the first is written, and the run ends.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))
from file_names import add_shard_flag, share_of
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
from prepared_one import Outcome, prepare
from write_shards import write_lists

from mmstconv.disk import (
    FolderLock,
    file_workers,
    local_path,
    print_any_name,
    refuse_foreign,
    remove_unfinished,
    unfinished_path,
)
from mmstconv.light_start import import_what_is_named

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
    part = (shard or "").replace("/", "-of-")
    lock = FolderLock(
        out, "a run of prepare_videos", "Wait for it or end it", say, part
    )
    journal = None
    try:
        journal = Journal(out, settings, shard)
        remove_unfinished(out, below=True)
        places = dict(root=str(root), out=str(out))
        work = partial(prepare, form=form, timeout=timeout, **places)
        done = _ended(missing, work, workers, out)
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


def _ended(jobs: Sequence[Job], work: Callable, workers: int, out: Path) -> Iterable:
    """The jobs as they end, in processes; a bar shows how many."""

    def clean_up(job: Job, process: int) -> None:
        unfinished_path(out / job.target, process).unlink(missing_ok=True)

    return _shown(file_workers.run(jobs, work, workers, clean_up), len(jobs))


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
    return failed, sizes


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
    import_what_is_named()
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
    parser.add_argument(
        "--shards", type=int, help="write each list into so many tars as well (shards/)"
    )
    add_shard_flag(parser)
    args = parser.parse_args(arguments)
    if args.workers < 1:
        parser.error("--workers must be positive")
    if args.shards is not None and not (args.ann and args.shards > 0):
        parser.error("--shards needs --ann, and must be positive")
    if args.shards and args.shard:
        parser.error("--shards is of the last run, which is without --shard")
    try:
        form = TrainingForm(
            args.short_side, args.key_frame_every, args.sample_rate, args.crf
        )
        failed = prepare_videos(
            args.videos,
            args.out,
            args.ann,
            form,
            args.workers,
            say=_say,
            shard=args.shard,
        )
        if args.shards:
            made = [args.out / path.name for path in args.ann]
            lists = read_annotations([path for path in made if path.exists()], args.out)
            failed += write_lists(
                lists, args.out, args.out / "shards", args.shards, say=_say
            )
    except (ValueError, OSError) as error:
        sys.exit(f"prepare_videos: {error}")
    except KeyboardInterrupt:
        print("\nprepare_videos: interrupted, run again to go on", file=sys.stderr)
        sys.exit(130)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
