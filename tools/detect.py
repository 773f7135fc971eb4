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
import json
import os
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path

from inference_commands import add_shared_flags, named_videos, progress_bar, stamp

from mmstconv.apis import Detection, detect, load_recognizer
from mmstconv.apis.tasks import event_head, names_of_classes
from mmstconv.disk import ForeignFile, is_own, local_path, print_any_name, write_own
from mmstconv.engine.messages import short_errors
from mmstconv.media import MediaError, open_media

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
        help="video, folder of them, or list (.txt)",
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
    add_shared_flags(parser)
    args = parser.parse_args()
    out = args.out or Path(Path(args.files[0].name).stem + ".events.json")
    if out.suffix.lower() not in (".json", ".csv"):
        parser.error(f"--out must end with .json or .csv, got {out}")
    args.out = out
    return args


class Results:
    """What was found, by file; each file is on disk when it is done, in a journal.

    The journal's first line says what the results depend on but for the files. The
    result itself has all files in the end, and lacks an eighth of those done at most
    before: a rewrite after each would take ever longer.

    Args:
        out: The JSON or CSV file that is wanted.
        run: What the results depend on but for the files, of JSON's types.
        files: All that are wanted, in order.

    Raises:
        ForeignFile: One of the files is there and was not written by this command.
        FileNotFoundError: There is no folder for them.
    """

    def __init__(self, out, run, files):
        if not out.parent.is_dir():
            raise FileNotFoundError(f"the folder does not exist: {out.parent}")
        self.out = out
        self.run = run
        self.journal = out.with_name(out.name + ".run.jsonl")
        self.ids = ids_of(files)
        self.done = {}
        self.unwritten = 0  # files that the result may not say the truth about
        there = [path for path in (out, self.journal) if os.path.lexists(path)]
        if not there:
            return
        noted, *known = journal_lines(self.journal) or [None]
        if noted != run or (out in there and not is_own(out)):
            raise ForeignFile(
                f"{there[0]} is there and was not written by this command with these "
                "weights and options: delete it, or give another --out"
            )
        self.done = dict(known)

    def known(self, path):
        """What was found in a file, if it is still the same."""
        known = self.done.get(os.fspath(path))
        return known if known and known["stamp"] == stamp(path) else None

    def add(self, path, known):
        """The events of one more file, on disk if they are not yet."""
        name = os.fspath(path)
        if self.done.get(name) is not known:
            if not self.journal.exists():
                write_own(self.journal, json.dumps(self.run))
            with self.journal.open("a") as file:
                file.write("\n" + json.dumps([name, known]))
        self.done[name] = known
        self.unwritten += 1

    def drop(self, path):
        """What was found in a file that cannot be used any more is no result."""
        if self.done.pop(os.fspath(path), None):
            self.unwritten += 1

    def write(self, *, whole):
        """The result of the files that could be used.

        Args:
            whole: Also if it would not get much longer.
        """
        if not self.unwritten or not (whole or 8 * self.unwritten >= len(self.done)):
            return
        found = {
            name: [Detection(*event) for event in self.done[name]["events"]]
            for name in self.ids
            if name in self.done
        }
        is_csv = self.out.suffix.lower() == ".csv"
        write_own(self.out, as_csv(found) if is_csv else as_json(found, self.ids))
        self.unwritten = 0


def journal_lines(path):
    """What a journal's lines say; one that is cut off says nothing."""
    content = path.read_bytes() if path.is_file() else b""
    lines = []
    for line in content.splitlines():
        with suppress(ValueError):
            lines.append(json.loads(line))
    return lines


def as_json(found, ids):
    """ActivityNet's result file."""
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
    names = {os.fspath(path): path.stem for path in files}
    counts = Counter(names.values())
    return {path: name if counts[name] == 1 else path for path, name in names.items()}


def picture_of(name, out):
    """Where the picture of a file of this id belongs."""
    return out.with_name(f"{out.stem}-{name.strip('/').replace('/', '_')}.png")


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


def events_of(model, path, args):
    """What a file holds, as it is noted; says how far it is."""
    with open_media(path) as media:
        begin, end = media.extent
    known = dict(stamp=stamp(path), end=end)
    with progress_bar(desc=str(path), total=round(end - begin), unit="s") as bar:
        known["events"] = sorted(
            detect(
                model,
                path,
                hop=args.hop,
                classes=args.classes,
                threshold=args.threshold,
                progress=lambda now: bar.update(round(now - begin) - bar.n),
            )
        )
        bar.set_postfix_str(f"{len(known['events'])} events")
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


def detect_all(model, files, results, args):
    """Adds what each file holds to the results.

    Returns:
        How many files cannot be used.
    """
    failed, names = 0, []
    if args.figure:
        names = names_of_classes(model, event_head(model))
    for path in files:
        try:
            found = results.known(path) or events_of(model, path, args)
        except (OSError, MediaError) as error:
            failed += 1
            results.drop(path)
            print(f"detect: {error}", file=sys.stderr)
            continue
        results.add(path, found)
        results.write(whole=False)
        if args.figure:
            picture = picture_of(results.ids[os.fspath(path)], args.out)
            draw(path, found, names, picture)
    return failed


def main():
    print_any_name()
    args = parse_args()
    kept = f"{args.out} has the files that are done, the same command goes on"
    with short_errors("detect", kept):
        files = named_videos(args.files)
        run = dict(
            config=stamp(args.config),
            checkpoint=stamp(args.checkpoint),
            hop=args.hop,
            classes=args.classes,
            threshold=args.threshold,
        )
        results = Results(args.out, run, files)
        model = load_recognizer(
            args.config, args.checkpoint, args.device, trust=args.trust
        )
        try:
            failed = detect_all(model, files, results, args)
        finally:
            results.write(whole=True)
    if failed and len(files) > 1:
        print(
            f"detect: {failed} of {len(files)} files cannot be used",
            file=sys.stderr,
        )
    print(args.out)
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
