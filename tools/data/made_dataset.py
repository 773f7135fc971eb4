"""Writing a generated data set: what is missing of it, and nothing foreign."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import cv2

MANIFEST = "manifest.json"
SUBSETS = ("training", "validation", "test")  # of long videos


def make_missing(
    out: str | os.PathLike,
    name: str,
    manifest: Mapping,
    jobs: Mapping[Path, object],
    texts: Mapping[str, str],
    write: Callable[[object], None],
    workers: int = 1,
    check: bool = False,
) -> None:
    """Writes what is missing of a data set; silent when that is nothing.

    Safe to interrupt: media first, each only when it is whole; the texts last.

    Args:
        out: Folder of the data set.
        name: Of the data set, in messages.
        manifest: What the content depends on; kept in the folder.
        jobs: What makes each media file, by its path.
        texts: Content of the annotations, by file name.
        write: Called with each job whose file is missing; picklable.
        workers: Processes.
        check: Write nothing, raise if anything is missing.

    Raises:
        ValueError: If ``out`` holds something else, or a data set of other parameters.
        ForeignFile: If a file is in the way that was not written here.
        FolderInUse: If another process is making the data set.
        FileNotFoundError: If ``check`` and the data set is not complete.
    """
    from mmstconv.disk import refuse_foreign, write_own

    out = Path(out)
    missing = [job for path, job in jobs.items() if not os.path.lexists(path)]
    _check_manifest(out, name, manifest)
    texts = {file: text for file, text in texts.items() if _read(out / file) != text}
    if not missing and not texts:
        return
    if check:
        raise FileNotFoundError(f"'{out}': {len(missing)} clips or an annotation miss")
    refuse_foreign(out / file for file in texts)
    lock = _lock(out, name)
    try:
        for folder in sorted({path.parent for path in jobs}):
            folder.mkdir(exist_ok=True)
        _start(out, manifest)
        _write_media(missing, name, write, workers)
        for file, text in texts.items():
            write_own(out / file, text)
    finally:
        lock.release()


def video_path(out: Path, subset: str, index: int) -> Path:
    """Where a long video is; its name, with or without suffix, is its id."""
    return Path(out) / "videos" / f"{subset}_{index:04d}.mp4"


def read_flags(
    parser: argparse.ArgumentParser,
    sizes: Mapping[str, int],
    what: str,
    arguments: Sequence[str] | None,
) -> argparse.Namespace:
    """Reads a maker's command line: the flags it has, and those that all makers have.

    Args:
        parser: With the flags of this maker alone.
        sizes: Of the subsets, if nothing else is asked for.
        what: They consist of.
        arguments: None: those of this process.

    Returns:
        ``out``, ``sizes``, ``seed``, ``workers``, ``check`` and the maker's own.
    """
    from mmstconv.disk import local_path, print_any_name

    print_any_name()
    parser.add_argument("out", type=local_path, help="folder of the data set")
    for subset, size in sizes.items():
        parser.add_argument(f"--{subset}", type=int, default=size, help=what)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2, help="processes")
    parser.add_argument("--check", action="store_true", help="only see if all is there")
    args = parser.parse_args(arguments)
    args.sizes = {subset: getattr(args, subset) for subset in sizes}
    if min(*args.sizes.values(), args.seed) < 0:
        parser.error("sizes and seed must not be negative")
    return args


def run_from_command(program: str, make: Callable[[], None]) -> None:
    """Calls a maker; what the user can mend, and Ctrl-C, end it with a line."""
    try:
        make()
    except (ValueError, OSError) as error:
        sys.exit(f"{program}: {error}")
    except KeyboardInterrupt:
        sys.exit(f"\n{program}: interrupted, run again to go on")


def _lock(out: Path, name: str):
    from mmstconv.disk import FolderLock

    what = f"a run that makes the {name} data set"
    return FolderLock(out, what, "Wait for it or end it")


def _start(out: Path, manifest: Mapping) -> None:
    from mmstconv.disk import remove_unfinished, write_own

    if not (out / MANIFEST).exists():
        write_own(out / MANIFEST, json.dumps(manifest, indent=2) + "\n")
    remove_unfinished(out, below=True)


def _check_manifest(out: Path, name: str, manifest: Mapping) -> None:
    text = _read(out / MANIFEST)
    if text is None:
        if out.is_dir() and any(p for p in out.iterdir() if p.name[0] != "."):
            raise ValueError(f"'{out}' is not empty and holds no {name} data set")
        return
    try:
        found = json.loads(text)
    except ValueError:
        raise ValueError(f"'{out / MANIFEST}' is of something else") from None
    if found != manifest:
        raise ValueError(
            f"'{out}' holds a data set made with {found}, asked for is {manifest}: "
            "choose another folder, or remove this one"
        )


def _write_media(jobs: Sequence, name: str, write: Callable, workers: int) -> None:
    if not jobs:
        return
    from tqdm import tqdm

    bar = {"desc": f"making the {name} data set", "unit": "file", "total": len(jobs)}
    if not sys.stderr.isatty():
        bar["mininterval"] = 10  # a log wants few lines
    if workers <= 1:
        for job in tqdm(jobs, **bar):
            write(job)
    else:
        # Forking a process that has threads (torch, OpenCV) may hang: spawn.
        # A Pool, whose workers end with their parent, however that ends.
        context = multiprocessing.get_context("spawn")
        with context.Pool(min(workers, len(jobs)), _initialize_worker) as pool:
            for _ in tqdm(pool.imap_unordered(write, jobs, chunksize=4), **bar):
                pass


def _initialize_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    cv2.setNumThreads(1)


def _read(path: Path) -> str | None:
    return path.read_text("utf-8", "surrogateescape") if path.is_file() else None
