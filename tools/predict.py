"""Recognise video files.

mmstconv predict CONFIG CHECKPOINT FILE [FILE ...] [--out predictions.csv] [--top 3]

FILE is a video, a folder (all videos below it), a pattern ('films/**/*.mp4'), a list
(@list.txt: a path a line, annotation files too), or - for a video on standard input.
Says the most probable classes, and what each modality alone would say; of a model for
several classes a file all those whose probability reaches --threshold.

A file that cannot be used is named, the others are recognised all the same; the exit
code is 1 then. A damaged file is recognised by what is left of it, with a warning. With
--out every file that is done is kept: the same command again does the others. Of jobs
with a --shard each, it makes one result.
"""

import argparse
import gc
import sys

from engine_flags import add_engine_flags, check_engine_flags
from file_names import (
    add_shard_flag,
    fitting,
    key_of,
    of_shard,
    plain_names,
    share_of,
)
from named_files import STDIN, Named, file_argument, meant_files
from starting import begin

from mmstconv.disk import local_path, print_any_name

KINDS = (".txt", ".jsonl", ".csv", ".parquet")


def probability(text):
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"must lie in 0..1, got {text}")
    return value


def positive(text):
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be 1 or more, got {text}")
    return value


def parse_args():
    parser = argparse.ArgumentParser(
        description="Recognise video files",
        epilog="example: mmstconv predict CONFIG CHECKPOINT films/ --out found.csv",
    )
    parser.add_argument("config", help="config the checkpoint was trained with")
    parser.add_argument("checkpoint", help="checkpoint file")
    parser.add_argument(
        "files",
        nargs="*",
        type=file_argument,
        metavar="FILE",
        help="video, folder, pattern, list (@list.txt), or - (standard input)",
    )
    parser.add_argument(
        "--list", type=local_path, help="file with a path a line, labels may follow"
    )
    parser.add_argument(
        "--out", type=local_path, help=f"write there; one of {', '.join(KINDS)}"
    )
    add_shard_flag(parser)
    parser.add_argument("--json", action="store_true", help="print a JSON line a file")
    parser.add_argument(
        "--video", type=local_path, metavar="DIR", help="copies with the result drawn"
    )
    parser.add_argument("--top", type=positive, default=3, help="classes to say")
    parser.add_argument(
        "--threshold",
        type=probability,
        default=0.5,
        help="of several classes a file, say those of this probability and above",
    )
    parser.add_argument(
        "--batch-size", type=positive, default=8, help="files at a time"
    )
    parser.add_argument(
        "--workers", type=int, help="processes that read files; default: by their count"
    )
    add_engine_flags(parser)
    parser.add_argument("--device", help="default: a GPU if there is one")
    parser.add_argument(
        "--trust",
        action="store_true",
        help="open Python objects in the checkpoint, which may run code: only your own",
    )
    parser.add_argument(
        "--traceback",
        action="store_true",
        help="show where in the program an error arose, also one of the user's",
    )
    args = parser.parse_intermixed_args()  # options may stand between FILEs
    from_stdin = STDIN in [one.path for one in args.files]
    if args.video and from_stdin:
        parser.error("--video needs files, not standard input")
    check_engine_flags(parser, args)
    if args.engine == "ray" and (args.video or from_stdin):
        parser.error("--engine ray reads files, and draws no --video")
    if args.list:
        args.files.append(Named(args.list, True))
    if not args.files:
        parser.error("name a FILE, or a --list of them")
    if args.out and args.out.suffix.lower() not in KINDS:
        parser.error(f"--out must end with one of {', '.join(KINDS)}, got {args.out}")
    return args


def workers_for(count, args):
    """Processes that read files: none for a few files, which are read sooner."""
    if args.workers is not None:
        return args.workers
    if count < 32:
        return 0
    from mmstconv.cores import loader_workers

    return loader_workers()


def predictions_of(model, files, names, args):
    """A function that gives the record of each file, in their order, or raises.

    It writes the videos that are wanted, by their ``names``.
    """
    from mmstconv.apis.inference import has_several_classes
    from mmstconv.apis.predictions import as_record, predict_videos

    several = has_several_classes(model)
    sources = [sys.stdin.buffer if path == STDIN else path for path in files]
    # standard input is of this process
    workers = 0 if STDIN in files else workers_for(len(files), args)
    found = predict_videos(
        model, sources, batch_size=min(args.batch_size, len(files)), workers=workers
    )

    pairs = zip(files, found)

    def read(path):
        # Not simply the next: files may go, or change, since it was said which to read.
        prediction = next((one for other, one in pairs if other == path), None)
        if prediction is None:
            name = key_of(path)
            raise OSError(f"{name} has changed meanwhile: give the same command again")
        if prediction.error is not None:
            raise prediction.error
        if args.video:
            from mmstconv.apis.predicted_video import write_predicted_video

            target = args.video / fitting(names[key_of(path)], "")
            write_predicted_video(model, path, prediction, target)
        return as_record(prediction, args.top, several, args.threshold)

    return read


def show_all(model, files, names, args, then):
    """Prints what each file shows, as it is known."""
    from file_results import each_usable
    from prediction_tables import as_json_line, as_text

    as_lines = as_json_line if args.json else as_text

    def show(path, record):
        name = key_of(path)
        print(as_lines(name, record), end="", flush=True)
        then(path, record)

    read = predictions_of(model, files, names, args) if files else None

    def read_or_say(path):
        try:
            return read(path)
        except Exception as error:
            if args.json and is_of_file(error):
                print(as_json_line(key_of(path), dict(error=str(error))), end="")
            raise

    return each_usable("predict", files, read_or_say, show)


def is_of_file(error):
    from mmstconv.media import MediaError

    return isinstance(error, (OSError, MediaError))


def write_all(model, files, names, args, then):
    """Writes what each file shows; what was known before is not read again."""
    from file_results import for_each_file
    from inference_commands import model_of, progress_bar
    from prediction_tables import Results, require_pyarrow

    if args.out.suffix.lower() == ".parquet":
        require_pyarrow()
    run = dict(
        model_of(args.config, args.checkpoint), top=args.top, threshold=args.threshold
    )
    results = Results(args.out, run, [*names])
    with results.at_work():
        known = {key_of(p): one for p in files if (one := known_of(results, p))}
        new = [path for path in files if key_of(path) not in known]
        # before any is read: a copy under way is read again when it is whole
        stamps = {key_of(path): stamp_now(path) for path in new}
        if new and args.engine == "ray":
            from predictions_by_ray import predictions_by_ray

            read = predictions_by_ray(files, stamps, known, results.run, args)
        else:
            read = predictions_of(model(), new, names, args) if new else None
        with progress_bar(
            total=len(files), initial=len(files) - len(new), unit="file"
        ) as bar:

            def read_one(path):
                try:
                    return dict(read(path), stamp=stamps[key_of(path)])
                except Exception as error:
                    if is_of_file(error):
                        results.fail(path, error)
                    raise
                finally:
                    bar.update()

            failed = for_each_file("predict", files, results, read_one, then)
    if args.out.exists():  # a job may have no files
        print(args.out)
    return failed


def stamp_now(path):
    """Tells one version of a file from another; None if that cannot be told."""
    from inference_commands import stamp

    try:
        return [] if path == STDIN else stamp(path)
    except Exception as error:
        if not is_of_file(error):
            raise
        return None  # reading it says so


def known_of(results, path):
    try:
        return results.known(path)
    except OSError:  # it is gone: read again, which says so
        results.drop(path)
        return None


def main():
    print_any_name()
    args = parse_args()
    gc.disable()  # what is imported stays: the collector is not to look through it
    begin("predict")
    from mmstconv.engine.messages import short_errors

    args.out = args.out and of_shard(args.out, args.shard)
    kept = f"{args.out} has the files that are done, the same command goes on"
    with short_errors("predict", kept if args.out else ""):
        files = meant_files(args.files)
        names = plain_names(files)  # of all jobs: they tell their files apart
        sys.exit(predict_all(share_of(files, args.shard), names, args) > 0)


def predict_all(files, names, args):
    """Recognises files; gives how many cannot be used."""
    from functools import cache

    from mmstconv.apis.inference import load_recognizer
    from mmstconv.apis.tasks import require_classes

    @cache
    def model():
        loaded = load_recognizer(
            args.config, args.checkpoint, args.device, trust=args.trust
        )
        require_classes(loaded)
        gc.freeze()
        gc.enable()
        return loaded

    def then(path, record):
        for what in record["damage"]:
            print(f"predict: {key_of(path)}: {what}", file=sys.stderr)

    if args.video:
        args.video.mkdir(parents=True, exist_ok=True)

    if args.out:
        return write_all(model, files, names, args, then)
    return show_all(model(), files, names, args, then)


if __name__ == "__main__":
    main()
