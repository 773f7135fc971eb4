"""Joins trimmed clips into untrimmed videos whose events are known.

    python tools/data/join_clips.py train.txt val.txt --root videos --out data/joined

Clips of lists with lines `path label` follow each other in random order, each of them
an event, separated by clips of other classes (`--background`, a list for each list), or
else by a still picture without sound. Each clip keeps its sound, in step. Lists stand
for the subsets training, validation and test: clips of one source belong into one.

The folder holds ``videos``, their events as ActivityNet's JSON in ``events.json``, and
``classes.txt``. Where clips meet there is a hard cut, of the sound as well: edges of
events are easier to find than in films that nobody has cut.

Safe to interrupt: a rerun makes what is missing; the annotations are written last.
Nothing is written over that this tool did not write, or that was changed since.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from math import ceil
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from joined_plan import JoinedForm, Piece, events_of, plan
from made_dataset import SUBSETS, make_missing, run_from_command, video_path

VERSION = 1  # of the content: raise it whenever the same seed gives other files
ANNOTATION = "events.json"
GREY = 128


def joined_frames(pieces: Sequence[Piece], form: JoinedForm) -> Iterator[np.ndarray]:
    """The frames of a joined video, uint8 ``(height, width, 3)``, one by one."""
    from mmstconv.media import View, open_media

    shown = np.full((form.height, form.width, 3), GREY, np.uint8)
    for piece in pieces:
        if piece.path is None:
            yield from (shown for _ in range(piece.frames))
            continue
        times = piece.start + np.arange(piece.frames) / form.fps
        with open_media(piece.path) as media:
            width, height = media.info.width, media.info.height
            scale = max(form.width / width, form.height / height)
            view = View(ceil(width * scale - 1e-6), ceil(height * scale - 1e-6))
            left, top = (view.width - form.width) // 2, (view.height - form.height) // 2
            for image in media.frames_in_order(times, view=view):
                shown = image[top : top + form.height, left : left + form.width]
                yield shown


def joined_sound(pieces: Sequence[Piece], form: JoinedForm) -> np.ndarray | None:
    """The sound of a joined video, ``(samples,)``; None if no piece has any."""
    from mmstconv.media import open_media

    edges = np.cumsum([0, *(piece.frames for piece in pieces)]) / form.fps
    edges = np.rint(edges * form.sample_rate).astype(int)
    sound, sounds = np.zeros(edges[-1], np.float32), False
    for piece, begin, end in zip(pieces, edges, edges[1:]):
        if piece.path is None:
            continue
        with open_media(piece.path) as media:
            if media.has_audio:
                stop = piece.start + (end - begin) / form.sample_rate
                sound[begin:end] = media.waveform(piece.start, stop, form.sample_rate)
                sounds = True
    return sound if sounds else None


def write_video(job: tuple[Path, list[Piece]], out: Path, form: JoinedForm) -> None:
    """Decodes, joins and encodes one video; it appears only when it is whole."""
    from mmstconv.media import SoundCoding, write_media

    path, pieces = job
    sound = joined_sound(pieces, form)
    write_media(
        path,
        joined_frames(pieces, form),
        form.fps,
        sound,
        form.sample_rate if sound is not None else None,
        sound=SoundCoding(codec="alac"),  # what is heard is what the clips say
        record=out,
    )


def annotation_text(videos: Mapping[str, Sequence[list[Piece]]], fps: int) -> str:
    """The events as ActivityNet's JSON; ``videos`` are those of each subset."""
    database = {
        video_path(Path(), subset, index).stem: {
            "subset": subset,
            "duration": sum(piece.frames for piece in pieces) / fps,
            "annotations": events_of(pieces, fps),
        }
        for subset, some in videos.items()
        for index, pieces in enumerate(some)
    }
    return json.dumps({"version": "mmstconv", "database": database}, indent=1) + "\n"


def join_clips(
    out: str | os.PathLike,
    videos: Mapping[str, Sequence[list[Piece]]],
    names: Sequence[str],
    form: JoinedForm,
    seed: int = 0,
    workers: int = 1,
    check: bool = False,
) -> None:
    """Writes what is missing of the joined videos; silent when that is nothing.

    Args:
        out: Folder of the data set.
        videos: As of :func:`plan`, like ``names``, ``form`` and ``seed``.
        names: Of the classes.
        form: Of the videos.
        seed: Of what was drawn.
        workers: Processes.
        check: Write nothing, raise if anything is missing.

    Raises:
        ValueError: If ``out`` holds something else, or a data set of other clips.
        ForeignFile: If a file is in the way that was not written here.
        FolderInUse: If another process is making the data set.
        FileNotFoundError: If ``check`` and the data set is not complete.
    """
    out = Path(out)
    plain = json.dumps(videos, sort_keys=True)
    make_missing(
        out,
        "joined",
        {
            "version": VERSION,
            "seed": seed,
            "videos": {subset: len(some) for subset, some in videos.items()},
            "form": json.loads(json.dumps(asdict(form))),
            "pieces": hashlib.sha256(
                plain.encode("utf-8", "surrogateescape")
            ).hexdigest()[:16],
        },
        {
            video_path(out, subset, k): (video_path(out, subset, k), pieces)
            for subset, some in videos.items()
            for k, pieces in enumerate(some)
        },
        {
            ANNOTATION: annotation_text(videos, form.fps),
            "classes.txt": "\n".join(names) + "\n",
        },
        partial(write_video, out=out, form=form),
        workers,
        check,
    )


def parse_args(arguments: list[str] | None = None) -> argparse.Namespace:
    from mmstconv.disk import local_path

    form = JoinedForm()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lists", nargs="+", type=local_path, metavar="LIST",
                        help="of events: " + ", ".join(SUBSETS))  # fmt: skip
    parser.add_argument("--out", type=local_path, required=True, help="folder to write")
    parser.add_argument("--root", type=local_path, help="default: the list's folder")
    parser.add_argument("--classes", help="default: classes.txt beside the list")
    parser.add_argument("--background", nargs="+", type=local_path, default=[],
                        metavar="LIST", help="one for each list of events; clips of "
                        "the events' classes are left out")  # fmt: skip
    parser.add_argument("--background-classes", metavar="FILE")
    parser.add_argument("--per-class", type=int, help="events of a class, at most")
    parser.add_argument("--seconds", type=float, default=form.seconds)
    parser.add_argument("--longest", type=float, default=form.longest)
    parser.add_argument("--gaps", type=float, nargs=2, default=form.gaps)
    parser.add_argument("--size", type=int, nargs=2, default=(form.width, form.height))
    parser.add_argument("--fps", type=int, default=form.fps)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2, help="processes")
    parser.add_argument("--check", action="store_true", help="only see if all is there")
    args = parser.parse_args(arguments)
    if len(args.lists) > len(SUBSETS):
        parser.error(f"at most {len(SUBSETS)} lists of events")
    if args.seed < 0 or (args.per_class or 1) < 1:
        parser.error("seed must not be negative, per-class at least 1")
    return args


def main(arguments: list[str] | None = None) -> None:
    from mmstconv.disk import print_any_name

    print_any_name()
    args = parse_args(arguments)

    def make() -> None:
        form = JoinedForm(
            seconds=args.seconds,
            longest=args.longest,
            gaps=tuple(args.gaps),
            fps=args.fps,
            width=args.size[0],
            height=args.size[1],
        )
        videos, names = plan(
            args.lists,
            args.background,
            args.root,
            args.classes,
            args.background_classes,
            form,
            args.per_class,
            args.seed,
        )
        join_clips(args.out, videos, names, form, args.seed, args.workers, args.check)
        for subset, some in videos.items():
            pieces = [piece for one in some for piece in one]
            events = sum(piece.label is not None for piece in pieces)
            minutes = sum(piece.frames for piece in pieces) / form.fps / 60
            print(f"{subset}: {len(some)} videos, {minutes:.1f} min, {events} events")

    run_from_command("join_clips", make)


if __name__ == "__main__":
    main()
