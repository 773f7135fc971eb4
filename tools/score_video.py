"""Score a long video window by window.

python tools/score_video.py CONFIG CHECKPOINT VIDEO [--out scores.csv] [--hop 8]

Every line of the output is one window: its start and end in seconds and the score of
each class. Lines are written as they are computed, so nothing is lost when it is
interrupted; the same command again goes on where it ended.
"""

import argparse
import csv
import json
import os
import sys
from pathlib import Path

from mmstconv.apis import load_recognizer, score_video
from mmstconv.engine.messages import short_errors
from mmstconv.media import open_media


def parse_args():
    parser = argparse.ArgumentParser(description="Score a long video window by window")
    parser.add_argument("config", help="config the checkpoint was trained with")
    parser.add_argument("checkpoint", help="checkpoint file")
    parser.add_argument("video", type=Path, help="video file")
    parser.add_argument(
        "--out", type=Path, help="CSV file; default: the video's name and .scores.csv"
    )
    parser.add_argument(
        "--hop", type=int, help="frames between windows; default: a quarter of one"
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
    return parser.parse_args()


def stamp(path):
    """Tells one version of a file from another."""
    found = os.stat(path)
    return [os.fspath(path), found.st_size, found.st_mtime_ns]


def done_before(out, run):
    """How many whole lines of windows are there; cuts off what is not whole.

    Raises:
        ValueError: The file is of another run.
    """
    description = out.with_name(out.name + ".run.json")
    if out.exists():
        if not description.exists() or json.loads(description.read_text()) != run:
            raise ValueError(
                f"{out} is there and was not written by this command on these files; "
                "delete it, or give another --out"
            )
        content = out.read_bytes()
        whole = content.rfind(b"\n") + 1
        with out.open("r+b") as file:
            file.truncate(whole)
        return max(content.count(b"\n") - 1, 0)
    description.write_text(json.dumps(run))
    return 0


def main():
    args = parse_args()
    out = args.out or Path(args.video.name).with_suffix(".scores.csv")
    kept = f"{out} has what was computed, the same command goes on"
    with short_errors("score_video", kept):
        run = dict(
            config=stamp(args.config),
            checkpoint=stamp(args.checkpoint),
            video=stamp(args.video),
            hop=args.hop,
        )
        model = load_recognizer(
            args.config, args.checkpoint, args.device, trust=args.trust
        )
        with open_media(args.video) as media:
            begin, end = media.extent
        skip = done_before(out, run)
        windows = score_video(model, args.video, hop=args.hop, skip=skip)
        classes = model.cls_head.num_classes
        names = model.dataset_meta.get("classes") or range(classes)
        with out.open("a", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            if not out.stat().st_size:
                writer.writerow(["start", "end", *names])
            for window in windows:
                scores = [f"{score:.6f}" for score in window.scores.tolist()]
                writer.writerow([f"{window.start:.3f}", f"{window.end:.3f}", *scores])
                file.flush()
                done = window.end - begin
                print(f"\r{done:.0f} of {end - begin:.0f} s", end="", file=sys.stderr)
        print(file=sys.stderr)
    print(out)


if __name__ == "__main__":
    main()
