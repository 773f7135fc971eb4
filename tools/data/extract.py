"""Extract frames, flow and log-mel features of videos as files.

mim run mmstconv extract videos extracted
mmstconv extract videos extracted --ann train.txt val.txt --workers 8

Nothing of it is needed to train: pipelines compute the same on the way. What is written
is laid out as MMAction2's tools do it, and is what configs/recognition/extracted reads:

    extracted/rawframes/CLASS/NAME/img_00001.jpg, flow_x_00001.jpg, flow_y_00001.jpg ...
    extracted/audio_features/CLASS/NAME.npy      (rows, 80), 50 rows a second, 0 to 1
    extracted/train.txt                          CLASS/NAME total_frames label

A video without sound, or without pictures, lacks what is made of them. One that cannot
be read is named, and makes the exit code 1. Safe to interrupt: no folder and no file is
ever half there, and a rerun makes what is missing, has changed, or was made with other
settings. Nothing is written over that this command did not write.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from file_names import add_shard_flag, of_shard, share_of
from starting import begin

from mmstconv.disk import local_path, print_any_name

KINDS = ("frames", "flow", "audio")


def parse_args():
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        epilog="example: mmstconv extract videos extracted --ann train.txt val.txt",
    )
    parser.add_argument("videos", type=local_path, help="folder of the videos")
    parser.add_argument("out", type=local_path, help="folder to write to")
    parser.add_argument(
        "--ann",
        type=local_path,
        nargs="+",
        default=[],
        metavar="LIST",
        help="only what these lists name ('path label' a line)",
    )
    parser.add_argument(
        "--only", nargs="+", choices=KINDS, default=KINDS, help="default: all"
    )
    parser.add_argument(
        "--fps", type=float, default=25.0, help="images a second; default: %(default)s"
    )
    parser.add_argument(
        "--short-side", type=int, default=128, help="pixels; default: %(default)s"
    )
    parser.add_argument(
        "--method", default="dis_fast", help="of the flow; default: %(default)s"
    )
    parser.add_argument(
        "--bound",
        type=float,
        default=20.0,
        help="flow in pixels that the images' extremes stand for; default: %(default)s",
    )
    parser.add_argument(
        "--workers", type=int, help="processes; default: one a core; 0: in this one"
    )
    add_shard_flag(parser)
    parser.add_argument(
        "--dry-run", action="store_true", help="say what would be made, make nothing"
    )
    parser.add_argument(
        "--traceback",
        action="store_true",
        help="show where in the program an error arose, also one of the user's",
    )
    args = parser.parse_args()
    if args.workers is not None and args.workers < 0:
        parser.error("--workers must not be negative")
    return args


def main():
    args = parse_args()
    print_any_name()
    begin("extract")
    from mmstconv.engine.messages import short_errors

    with short_errors("extract", "run the same command again to go on"):
        code = extract(args)
    sys.exit(code)


def extract(args) -> int:
    """Does what the arguments say; returns the exit code."""
    from mmstconv.apis.checking.lists import read_list
    from mmstconv.apis.extraction.form import ExtractedForm
    from mmstconv.apis.extraction.places import JOURNAL, ExtractionJournal, places_of
    from mmstconv.apis.extraction.run import extract as extract_all
    from mmstconv.apis.extraction.run import write_lists
    from mmstconv.cores import loader_workers

    form = ExtractedForm(
        tuple(args.only), args.fps, args.short_side, args.method, args.bound
    )
    lists = [read_list(path, args.videos) for path in args.ann]
    names = videos_of(args.videos, args.out, lists)
    places = places_of(names, args.videos, args.out)
    chosen = share_of([place.source for place in places.values()], args.shard)
    by_source = {place.source: place for place in places.values()}
    mine = [by_source[source] for source in chosen]
    path = of_shard(args.out / JOURNAL, args.shard)
    journal = ExtractionJournal(path, form.as_text())
    todo = [place for place in mine if not journal.is_done(place)]
    left = len(todo)
    if args.dry_run:
        print(f"{len(mine)} videos: {len(mine) - left} are done, {left} would be")
        return 0
    args.out.mkdir(parents=True, exist_ok=True)
    workers = loader_workers() if args.workers is None else args.workers
    done = extract_all(todo, args.out, form, journal, workers=workers)
    failed = silent = 0
    for place, outcome in with_bar(done, left):
        failed += bool(outcome.reason)
        silent += not outcome.reason and "audio" in form.kinds and not outcome.has_sound
        for what in (outcome.reason, ", ".join(outcome.damage)):
            if what:
                say(f"{place.source}: {'' if outcome.reason else 'used, but '}{what}")
    if form.has_images and not args.shard:
        for path in write_lists(lists, by_source, journal, args.out):
            print(path)
    print(
        f"{len(mine)} videos: {len(mine) - left} were there, {left - failed} extracted "
        f"({silent} of them without sound), {failed} failed"
    )
    return int(failed > 0)


def videos_of(root: Path, out: Path, lists) -> list[str]:
    """Names below the folder, of what lists name or else of all videos."""
    from mmstconv.media.video_files import videos_below

    if not root.is_dir():
        raise ValueError(f"there is no folder '{root}'")
    paths = [one.path for each in lists for one in each.files]
    if not lists:
        paths = videos_below(root, lambda folder: folder.resolve() == out.resolve())
    if not paths:
        raise ValueError(f"'{root}' holds no video")
    outside = [path for path in paths if not is_below(path, root)]
    if outside:
        raise ValueError(f"{outside[0]} does not lie below {root}")
    return [path.relative_to(root).as_posix() for path in paths]


def is_below(path: Path, root: Path) -> bool:
    return path.is_relative_to(root) and ".." not in path.relative_to(root).parts


def with_bar(done, total: int):
    from tqdm import tqdm

    bar = dict(desc="extract", unit="video", total=total)
    if not sys.stderr.isatty():
        bar["mininterval"] = 10  # a log wants few lines
    return tqdm(done, **bar) if total else done


def say(text: str) -> None:
    from tqdm import tqdm

    tqdm.write(text, file=sys.stderr)


if __name__ == "__main__":
    main()
