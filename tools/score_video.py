"""Score a long video window by window.

python tools/score_video.py CONFIG CHECKPOINT VIDEO [--out scores.csv] [--hop 8]

Every line of the output is one window: its start and end in seconds and the probability
of each class, by its name. Lines are written as they are computed, so nothing is lost
when it is interrupted; the same command again goes on where it ended.
"""

import argparse
import csv
import io
import json
import os
from contextlib import contextmanager
from pathlib import Path

from inference_commands import (
    add_shared_flags,
    default_out,
    film_bar,
    load,
    run_of,
    stamp,
)
from starting import begin

from mmstconv.disk import ForeignFile, media_path, only_writer, print_any_name


def parse_args():
    parser = argparse.ArgumentParser(description="Score a long video window by window")
    parser.add_argument("config", help="config the checkpoint was trained with")
    parser.add_argument("checkpoint", help="checkpoint file")
    parser.add_argument("video", type=media_path, help="video file, or its address")
    parser.add_argument(
        "--out", type=Path, help="CSV file; default: the video's name and .scores.csv"
    )
    parser.add_argument(
        "--hop", type=int, help="frames between windows; default: a quarter of one"
    )
    add_shared_flags(parser)
    return parser.parse_args()


def done_before(out, run, columns):
    """How many whole lines of windows are there; nothing is written here.

    Args:
        out: The CSV file.
        run: What this run is made of.
        columns: The header.

    Raises:
        ForeignFile: A file is there that no such run has written.
    """
    there = os.path.lexists(out)
    description = describing(out)
    noted = None
    if os.path.lexists(description):
        try:
            noted = json.loads(description.read_bytes())
        except (OSError, ValueError):
            pass
        if not isinstance(noted, dict) or noted.keys() != run.keys():
            raise ForeignFile(
                f"{description} is there and was not written by this tool: move it, or "
                "give another --out"
            )
    if not there or (out.is_file() and out.stat().st_size == 0):
        return 0
    if noted != run or not out.is_file() or not is_of(out.read_bytes(), columns):
        raise ForeignFile(
            f"{out} is there and was not written by this command on these files; "
            "delete it, or give another --out"
        )
    return max(out.read_bytes().count(b"\n") - 1, 0)


def describing(out):
    """The file that says of which run a CSV file is."""
    return out.with_name(out.name + ".run.json")


@contextmanager
def begun(out):
    """The CSV file, to go on with; without a window yet an error leaves none."""
    there = os.path.lexists(out)
    with only_writer(out) as file:
        try:
            yield file
        except BaseException:
            file.seek(0)
            if file.read().count(b"\n") <= 1:
                file.truncate(0)
                describing(out).unlink(missing_ok=True)
                if not there:
                    out.unlink()
            raise


def is_of(content, columns):
    """Whether a file has this header and a number in each cell below.

    The last line may be cut off anywhere.
    """
    header = as_line(columns)
    if len(content) < len(header):
        return header.startswith(content)
    if not content.startswith(header):
        return False
    *lines, _ = content[len(header) :].split(b"\n")
    try:
        rows = [[float(cell) for cell in line.split(b",")] for line in lines]
    except ValueError:
        return False
    return all(len(row) == len(columns) for row in rows)


def as_line(cells):
    """A line of the CSV file."""
    with io.StringIO(newline="") as line:
        csv.writer(line, lineterminator="\n").writerow(cells)
        return line.getvalue().encode("utf-8", "surrogateescape")


def main():
    print_any_name()
    args = parse_args()
    begin("score_video")
    from mmstconv.apis import class_names, class_probabilities, score_video
    from mmstconv.apis.tasks import require_classes
    from mmstconv.engine.messages import short_errors

    out = args.out or default_out(args.video, ".scores.csv")
    kept = f"{out} has what was computed, the same command goes on"
    with short_errors("score_video", kept):
        run = dict(run_of(args), video=stamp(args.video))
        model = load(args)
        require_classes(model)
        columns = ["start", "end", *class_names(model)]
        skip = done_before(out, run, columns)
        windows = score_video(model, args.video, hop=args.hop, skip=skip)
        with film_bar(args.video) as film, begun(out) as file:
            if os.fstat(file.fileno()).st_size == 0:
                describing(out).write_text(json.dumps(run))
                file.write(as_line(columns))
            for window in windows:
                shares = class_probabilities(model, window.scores)
                scores = [f"{share:.6f}" for share in shares.tolist()]
                file.write(
                    as_line([f"{window.start:.3f}", f"{window.end:.3f}", *scores])
                )
                film.reach(window.end)
    print(out)


if __name__ == "__main__":
    main()
