"""Write features of video files, aligned in time across the modalities.

python tools/features.py FILE [FILE ...] --config CONFIG --checkpoint CHECKPOINT
python tools/features.py FILE [FILE ...] --weights i3d_rgb.pth cnn14.pth

FILE is a video, a folder (all videos below it), a pattern, or a text file with a path a
line. CONFIG is one of ours or of MMAction2's recognizers; --weights are published files
that say themselves which network they are of, one for each modality.

Each video gets a file in --out: an array of each modality, and the begin and end of
each row in seconds, the same for all modalities (docs/features.md). With --rate rows
come so many times a second; with --level clip there is one a file. --modalities names
those that are wanted; "fused" is what the model's joint makes of all of them.

A file that cannot be used is named, and the others go on; the exit code is 1 then. No
file is ever half there, and the same command again does the others. A folder with
features of other weights or options is refused.
"""

import argparse
import os
import sys
from contextlib import contextmanager
from pathlib import Path

from engine_flags import add_engine_flags, check_engine_flags, engine_options
from file_names import fitting, key_of, part_of, plain_names, share_of
from inference_commands import add_files, add_shared_flags, progress_bar, stamp
from named_files import meant_files
from starting import begin
from tqdm import tqdm

from mmstconv.disk import local_path, print_any_name, public_name
from mmstconv.media.remote import open_at

# As mmstconv.apis.features, which takes long to import, has them.
FORMATS = ("npy", "npz", "h5", "parquet")
LEVELS = ("steps", "clip")
FUSED = "fused"
LONGEST_SUFFIX = len(".parquet")


def parse_args():
    parser = argparse.ArgumentParser(description="Write features of video files")
    add_files(parser)
    parser.add_argument("--config", help="of ours, or of MMAction2's recognizers")
    parser.add_argument("--checkpoint", help="trained with it")
    parser.add_argument(
        "--weights", nargs="+", default=[], metavar="FILE", help="published, instead"
    )
    parser.add_argument(
        "--out", type=local_path, default=Path("features"), help="folder; default: this"
    )
    parser.add_argument(
        "--format", choices=FORMATS, default="npz", help="default: %(default)s"
    )
    parser.add_argument(
        "--modalities",
        type=lambda text: [name for name in text.split(",") if name],
        metavar="NAME,NAME",
        help=f"default: all streams; {FUSED}: what the joint makes of them",
    )
    parser.add_argument(
        "--level",
        choices=LEVELS,
        default="steps",
        help="rows along each file, or one row a file; default: %(default)s",
    )
    parser.add_argument(
        "--rate", type=float, help="rows per second; default: the model's own steps"
    )
    parser.add_argument(
        "--hop", type=int, help="frames between windows; default: half of one"
    )
    parser.add_argument(
        "--fps",
        type=float,
        help="frames per second that networks of MMAction2 and of --weights see",
    )
    parser.add_argument("--workers", type=int, help="actors of --engine ray")
    add_engine_flags(parser)
    add_shared_flags(parser)
    args = parser.parse_args()
    check_engine_flags(parser, args)
    if args.workers is not None and args.engine != "ray":
        parser.error("--workers are of --engine ray")
    if bool(args.config) == bool(args.weights):
        parser.error("give --config (and --checkpoint), or --weights")
    if args.weights and args.checkpoint:
        parser.error("--checkpoint goes with --config")
    return args


def model_of(args):
    """Arguments of ``load_feature_model``."""
    return dict(
        config=args.config,
        checkpoint=args.checkpoint,
        weights=args.weights,
        fused=FUSED in (args.modalities or ()),
        fps=args.fps,
        device=args.device,
        trust=args.trust,
    )


@contextmanager
def film_bar(path):
    """A bar of the seconds of a file that takes longer; it goes when that is read."""
    with open_at(path) as media:
        begin, end = media.extent
    name = os.path.basename(public_name(path))
    shown = dict(desc=name, unit="s", leave=False, delay=5)
    with progress_bar(total=round(end - begin), **shown) as bar:
        yield lambda window: bar.update(
            min(round(window.end - begin), bar.total) - bar.n
        )


def warn(text):
    tqdm.write(f"features: {text}", file=sys.stderr)  # above the bars, if any


def main():
    print_any_name()
    args = parse_args()
    begin("features")
    from mmstconv.engine.messages import short_errors

    kept = f"what is done is in {args.out}, the same command goes on"
    with short_errors("features", kept):
        files = meant_files(args.files)  # of all jobs: names tell them apart
        names = plain_names(files)
        wanted = share_of(files, args.shard)
        names = {path: _short(names[key_of(path)]) for path in wanted}
        with progress_bar(total=len(names), desc="features", unit="file") as bar:
            unusable = save_all(args, names, lambda done, _: bar.update(done - bar.n))
        for path, reason in unusable.items():
            warn(f"{public_name(path)}: {reason}")
        if unusable and len(names) > 1:
            warn(f"{len(unusable)} of {len(names)} files cannot be used")
    print(args.out)
    sys.exit(len(unusable) > 0)


def save_all(args, names, progress):
    """Writes the features of files; gives why some cannot be used."""
    from mmstconv.apis.features import FeatureReader, load_feature_model, save_features

    options = dict(level=args.level, rate=args.rate, hop=args.hop)
    options["modalities"] = args.modalities
    notes = dict(config=args.config, checkpoint=args.checkpoint, weights=args.weights)
    shared = dict(part=part_of(args.shard), progress=progress)
    if args.engine == "ray":
        from mmstconv.apis.features.in_actors import FeatureWork, save_features_by_ray

        out = os.fspath(args.out)
        work = FeatureWork(model_of(args), options, out, args.format, notes)
        key = dict(options, format=args.format, fps=args.fps, **stamps_of(args))
        shared.update(engine_options("features", args))
        return save_features_by_ray(work, names, key, **shared)
    reader = FeatureReader(load_feature_model(**model_of(args)), **options)
    shared.update(notes=notes, film=film_bar, warn=warn)
    return save_features(reader, names, args.out, args.format, **shared)


def stamps_of(args):
    """Tells one model from another without building it."""
    from inference_commands import model_of as config_and_checkpoint

    weights = [stamp(one) if os.path.isfile(one) else one for one in args.weights]
    if not args.config:
        return dict(weights=weights)
    return config_and_checkpoint(args.config, args.checkpoint or "")


def _short(name):
    """A name that a file system takes with any of the suffixes."""
    return fitting(name, "x" * LONGEST_SUFFIX)[:-LONGEST_SUFFIX]


if __name__ == "__main__":
    main()
