"""Analyze films: classes over time, events, shots that matter and sentences, in one go.

python tools/analyze.py CONFIG CHECKPOINT FILE [FILE ...] [--out analysis.json]

FILE is a video, a folder (all videos below it), or a text file with a path a line. Each
film is read once. The result is one JSON: for each file its end and which modalities it
has, and, of what the model has heads for, classes (over windows), events, summary
(shots with scores) and captions (a sentence of each event). Times are seconds of the
file. A model with several heads is made by: python -m mmstconv join-tasks

A file that cannot be used is named, and the others go on; the exit code is 1 then.
Every file that is done is kept in a journal beside the result: the same command again
does the others.
"""

import argparse
import sys
from functools import partial

from file_results import FileResults, for_each_file, write_results
from inference_commands import (
    add_event_flags,
    add_model_and_files,
    add_shared_flags,
    default_out,
    film_bar,
    stamp,
)

from mmstconv.disk import local_path, print_any_name, write_own_json

VERSION = "1"


def parse_args():
    parser = argparse.ArgumentParser(description="Analyze video files")
    add_model_and_files(parser)
    parser.add_argument(
        "--out",
        type=local_path,
        help=".json; default: the video's name and .analysis.json",
    )
    parser.add_argument(
        "--share",
        type=float,
        default=0.15,
        help="of a film that its summary shows, at most; default: %(default)s",
    )
    parser.add_argument(
        "--top",
        type=int,
        default=5,
        help="classes of each window, the most probable; default: %(default)s",
    )
    add_event_flags(parser)
    add_shared_flags(parser)
    args = parser.parse_args()
    args.out = args.out or default_out(args.files[0].path, ".analysis.json")
    if args.out.suffix.lower() != ".json":
        parser.error(f"--out must end with .json, got {args.out}")
    if args.top < 1:
        parser.error(f"--top must be at least 1, got {args.top}")
    return args


class Results(FileResults):
    """The analyses of files, as one JSON."""

    what = "analyses"

    def save(self, done):
        results = {
            self.ids[name]: dict(video=name, **known["analysis"])
            for name, known in done.items()
        }
        write_own_json(self.out, dict(version=VERSION, results=results), indent=1)


def analysis_of(path, model, layout, args):
    """What a file holds, as it is noted; says how far it is."""
    from mmstconv.apis import analyze
    from mmstconv.apis.analysis_json import analysis_as_json

    with film_bar(path) as film:
        known = dict(stamp=stamp(path))
        found = analyze(
            model,
            path,
            hop=args.hop,
            threshold=args.threshold,
            share=args.share,
            layout=layout,
            progress=film.reach,
        )
    known["analysis"] = analysis_as_json(found, args.top)
    return known


def analyze_all(model, files, results, args):
    """Adds what each file holds to the results.

    Returns:
        How many files cannot be used.
    """
    from mmstconv.apis.film_steps import step_layout

    read = partial(analysis_of, model=model, layout=step_layout(model), args=args)
    return for_each_file("analyze", files, results, read)


def main():
    print_any_name()
    args = parse_args()
    options = dict(threshold=args.threshold, share=args.share, top=args.top)
    sys.exit(write_results("analyze", args, Results, options, analyze_all))


if __name__ == "__main__":
    main()
