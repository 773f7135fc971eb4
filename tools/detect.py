"""Detect events in video files: what, from when to when.

python tools/detect.py CONFIG CHECKPOINT FILE [FILE ...] [--out events.json]

FILE is a video, a folder (all videos below it), or a text file with a path a line. The
result is JSON in the layout of ActivityNet (version, results, external_data), or, if
--out ends with .csv, lines of file,start,end,label,score. With --figure a picture of
each file's events over time lies beside it. Times are seconds of the file; instants
start when they end.

A file that cannot be used is named, and the others go on; the exit code is 1 then.
Every file that is done is kept in a journal beside the result: the same command again
does the others.
"""

import argparse
import csv
import io
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

from mmstconv.disk import local_path, print_any_name, write_own, write_own_json

COLUMNS = ["file", "start", "end", "label", "score"]


def parse_args():
    parser = argparse.ArgumentParser(description="Detect events in video files")
    add_model_and_files(parser)
    parser.add_argument(
        "--out",
        type=local_path,
        help=".json or .csv; default: the video's name and .events.json",
    )
    parser.add_argument(
        "--figure", action="store_true", help="draw the events of each file"
    )
    parser.add_argument(
        "--classes", nargs="+", metavar="NAME", help="of these alone; default: of all"
    )
    add_event_flags(parser)
    add_shared_flags(parser)
    args = parser.parse_args()
    out = args.out or default_out(args.files[0].path, ".events.json")
    if out.suffix.lower() not in (".json", ".csv"):
        parser.error(f"--out must end with .json or .csv, got {out}")
    args.out = out
    return args


class Results(FileResults):
    """The events of files; :class:`FileResults` of ``.json`` or ``.csv``."""

    what = "events"

    def save(self, done):
        from mmstconv.apis import Detection

        found = {
            name: [Detection(*event) for event in known["events"]]
            for name, known in done.items()
        }
        if self.out.suffix.lower() == ".csv":
            write_own(self.out, as_csv(found))
        else:
            write_own_json(self.out, as_json(found, self.ids), indent=1)


def as_json(found, ids):
    """ActivityNet's result file."""
    from mmstconv.apis.analysis_json import event_as_json

    results = {
        ids[name]: [event_as_json(event) for event in events]
        for name, events in found.items()
    }
    return dict(version="VERSION 1.3", results=results, external_data={})


def as_csv(found):
    """A line for each event; names of files that are no text keep their bytes."""
    with io.StringIO(newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for name, events in found.items():
            for event in events:
                times = f"{event.start:.3f}", f"{event.end:.3f}"
                writer.writerow([name, *times, event.label, f"{event.score:.6f}"])
        return file.getvalue()


def events_of(path, model, layout, args):
    """What a file holds, as it is noted; says how far it is."""
    from mmstconv.apis import detect

    with film_bar(path) as film:
        known = dict(stamp=stamp(path), end=film.end)
        known["events"] = sorted(
            detect(
                model,
                path,
                hop=args.hop,
                classes=args.classes,
                threshold=args.threshold,
                layout=layout,
                progress=film.reach,
            )
        )
        film.bar.set_postfix_str(f"{len(known['events'])} events")
    return known


def draw(path, known, names, out):
    """A picture of the events over time, beside the result."""
    from mmstconv.apis import Detection
    from mmstconv.visualization.timeline import draw_detections, save_figure

    events = [Detection(*event) for event in known["events"]]
    found = dict(
        segments=[(event.start, event.end) for event in events],
        labels=[names.index(event.label) for event in events],
        scores=[event.score for event in events],
    )
    figure = draw_detections(
        found, duration=known["end"], class_names=names, title=path.name
    )
    save_figure(figure, out)


def detect_all(model, files, results, args):
    """Adds what each file holds to the results.

    Returns:
        How many files cannot be used.
    """
    from mmstconv.apis.film_steps import step_layout
    from mmstconv.apis.tasks import event_head, names_of_classes

    names = names_of_classes(model, event_head(model)) if args.figure else []

    def draw_one(path, found):
        if args.figure:
            draw(path, found, names, results.beside(path, ".png"))

    read = partial(events_of, model=model, layout=step_layout(model), args=args)
    return for_each_file("detect", files, results, read, draw_one)


def main():
    print_any_name()
    args = parse_args()
    options = dict(classes=args.classes, threshold=args.threshold)
    sys.exit(write_results("detect", args, Results, options, detect_all))


if __name__ == "__main__":
    main()
