"""Detect events in video files: what, from when to when.

python tools/detect.py CONFIG CHECKPOINT FILE [FILE ...] [--out events.json]

FILE is a video, or a folder: all videos below it. The result is JSON in the layout of
ActivityNet (version, results, external_data), or, if --out ends with .csv, lines of
file,start,end,label,score. With --figure a picture of each file's events over time
lies beside it. Times are seconds of the file; instants start when they end.

A file that cannot be used is named, and the others go on; the exit code is 1 then.
Every file that is done is written: the same command again does the others.
"""

import argparse
import csv
import io
import json
import os
import sys
from collections import Counter
from pathlib import Path

from mmstconv.apis import Detection, class_names, detect, load_recognizer
from mmstconv.disk import ForeignFile, is_own, local_path, print_any_name, write_own
from mmstconv.engine.messages import short_errors
from mmstconv.media import MediaError, open_media

VIDEOS = {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts"}
COLUMNS = ["file", "start", "end", "label", "score"]


def parse_args():
    parser = argparse.ArgumentParser(description="Detect events in video files")
    parser.add_argument("config", help="config the checkpoint was trained with")
    parser.add_argument("checkpoint", help="checkpoint file")
    parser.add_argument(
        "files",
        nargs="+",
        type=local_path,
        metavar="FILE",
        help="video file, or folder of them",
    )
    parser.add_argument(
        "--out",
        type=Path,
        help=".json or .csv; default: the video's name and .events.json",
    )
    parser.add_argument(
        "--figure", action="store_true", help="draw the events of each file"
    )
    parser.add_argument(
        "--classes", nargs="+", metavar="NAME", help="of these alone; default: of all"
    )
    parser.add_argument(
        "--threshold",
        type=float,
        default=0.3,
        help="what scores less is no event; default: %(default)s",
    )
    parser.add_argument(
        "--hop", type=int, help="frames between windows; default: half of one"
    )
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
    args = parser.parse_args()
    out = args.out or Path(Path(args.files[0].name).stem + ".events.json")
    if out.suffix.lower() not in (".json", ".csv"):
        parser.error(f"--out must end with .json or .csv, got {out}")
    args.out = out
    return args


class Results:
    """What was found, by file, on disk after every file.

    Args:
        out: The JSON or CSV file that is wanted.
        run: What the results depend on but for the files.

    Raises:
        ForeignFile: One of the files is there and was not written by this command.
    """

    def __init__(self, out, run):
        self.out = out
        self.notes = out.with_name(out.name + ".run.json")
        self.done = {}
        there = [path for path in (out, self.notes) if os.path.lexists(path)]
        if not there:
            return
        noted = None
        if all(map(is_own, there)) and self.notes in there:
            noted = json.loads(self.notes.read_bytes())
        if noted is None or noted["run"] != run:
            raise ForeignFile(
                f"{there[0]} is there and was not written by this command with these "
                "weights and options: delete it, or give another --out"
            )
        self.done = noted["files"]

    def known(self, path):
        """What was found in a file, if it is still the same."""
        known = self.done.get(os.fspath(path))
        return known if known and known["stamp"] == stamp(path) else None

    def add(self, path, known, run):
        """The events of one more file, on disk."""
        self.done[os.fspath(path)] = known
        write_own(self.notes, json.dumps(dict(run=run, files=self.done)))

    def write(self, files):
        """The result of the files that could be used."""
        found = {
            name: [Detection(*event) for event in self.done[name]["events"]]
            for name in map(os.fspath, files)
            if name in self.done
        }
        text = as_csv(found) if self.out.suffix.lower() == ".csv" else as_json(found)
        write_own(self.out, text)


def as_json(found):
    """ActivityNet's result file; of two files of one name, ids are whole paths."""
    ids = ids_of(found)
    results = {
        ids[name]: [
            dict(
                score=round(event.score, 6),
                segment=[round(event.start, 3), round(event.end, 3)],
                label=event.label,
            )
            for event in events
        ]
        for name, events in found.items()
    }
    content = dict(version="VERSION 1.3", results=results, external_data={})
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def ids_of(files):
    """``{file: id}``: the name without suffix; where two have the same, the path."""
    names = {os.fspath(path): Path(path).stem for path in files}
    counts = Counter(names.values())
    return {path: name if counts[name] == 1 else path for path, name in names.items()}


def picture_of(path, files, out):
    """Where the picture of a file belongs."""
    name = ids_of(files)[os.fspath(path)].strip("/").replace("/", "_")
    return out.with_name(f"{out.stem}-{name}.png")


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


def stamp(path):
    """Tells one version of a file from another."""
    found = os.stat(path)
    return [os.fspath(path), found.st_size, found.st_mtime_ns]


def named_files(paths):
    """The videos that the command line names, each once."""
    files = {}
    for path in paths:
        below = [path]
        if path.is_dir():
            below = sorted(p for p in path.rglob("*") if p.suffix.lower() in VIDEOS)
            if not below:
                raise ValueError(f"there are no videos in {path}")
        files.update(dict.fromkeys(below))
    return list(files)


def events_of(model, path, args):
    """What a file holds, as it is noted; says how far it is."""
    with open_media(path) as media:
        begin, end = media.extent
    whole = end - begin

    def show(now):
        print(f"\r{path}: {now - begin:.0f} of {whole:.0f} s", end="", file=sys.stderr)

    known = dict(stamp=stamp(path), end=end)
    known["events"] = sorted(
        detect(
            model,
            path,
            hop=args.hop,
            classes=args.classes,
            threshold=args.threshold,
            progress=show,
        )
    )
    print(f"\r{path}: {len(known['events'])} events in {whole:.0f} s", file=sys.stderr)
    return known


def draw(path, known, names, out):
    """A picture of the events over time, beside the result."""
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


def main():
    print_any_name()
    args = parse_args()
    kept = f"{args.out} has the files that are done, the same command goes on"
    failed = 0
    with short_errors("detect", kept):
        files = named_files(args.files)
        run = dict(
            config=stamp(args.config),
            checkpoint=stamp(args.checkpoint),
            hop=args.hop,
            classes=args.classes,
            threshold=args.threshold,
        )
        results = Results(args.out, run)
        model = load_recognizer(
            args.config, args.checkpoint, args.device, trust=args.trust
        )
        names = class_names(model)
        for path in files:
            try:
                found = results.known(path) or events_of(model, path, args)
            except (OSError, MediaError) as error:
                failed += 1
                print(f"\ndetect: {error}", file=sys.stderr)
                continue
            results.add(path, found, run)
            results.write(files)
            if args.figure:
                draw(path, found, names, picture_of(path, files, args.out))
    if failed and len(files) > 1:
        print(
            f"detect: {failed} of {len(files)} files cannot be used",
            file=sys.stderr,
        )
    print(args.out)
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
