"""Forecast the frames of video files that come after a given time.

python tools/predict_frames.py FILE [FILE ...] --at 12.0 --config CONFIG
    --checkpoint CHECKPOINT [--frames N] [--out DIR]

FILE is a video, a folder (all videos below it), or a text file with a path a line. The
model sees frames, flow and sound up to --at, in seconds of the file, and nothing of
what comes then. --frames beyond what it was trained for go on from its own forecast.

Of each file a folder is written, NAME.frames below --out: side_by_side.mp4 (seen,
predicted, and true where the file goes on), predicted_001.png and so on, sheet.png, and
forecast.json with the times and the errors by horizon, of the model, of the last frame
repeated and of flow extrapolated. Nothing is written over that this tool did not write.

A file that cannot be used is named, and the others go on; the exit code is 1 then. The
same command again leaves out what is done.
"""

import argparse
import json
import os
import sys
from collections import Counter
from pathlib import Path

import numpy as np
from inference_commands import add_shared_flags, named_videos, progress_bar, stamp

from mmstconv.apis import load_recognizer, predict_frames
from mmstconv.disk import (
    is_own,
    local_path,
    own_file,
    print_any_name,
    refuse_foreign,
    write_own,
)
from mmstconv.engine.messages import short_errors
from mmstconv.media import MediaError, write_media
from mmstconv.visualization.frame_panels import (
    as_images,
    as_png,
    sheet_of,
    side_by_side,
)

VIDEO, SHEET, WRITTEN = "side_by_side.mp4", "sheet.png", "forecast.json"


def parse_args():
    parser = argparse.ArgumentParser(description="Forecast the frames of video files")
    parser.add_argument(
        "files",
        nargs="+",
        type=local_path,
        metavar="FILE",
        help="video, folder of them, or list (.txt)",
    )
    parser.add_argument(
        "--at", type=float, required=True, help="seconds; the first frame to come"
    )
    parser.add_argument(
        "--config", required=True, help="config the checkpoint was trained with"
    )
    parser.add_argument("--checkpoint", required=True, help="checkpoint file")
    parser.add_argument(
        "--frames", type=int, help="to forecast; default: as many as it was trained for"
    )
    parser.add_argument(
        "--out", type=local_path, default=Path(), help="folder; default: this one"
    )
    add_shared_flags(parser)
    args = parser.parse_args()
    if args.frames is not None and args.frames < 1:
        parser.error(f"--frames must be at least 1, got {args.frames}")
    return args


def folders_of(files, out):
    """``{file: folder}``: the name and .frames; where two have the same, the path."""
    counts = Counter(path.stem for path in files)
    names = {}
    for path in files:
        name = path.stem
        if counts[name] > 1:
            name = os.fspath(path).strip("/").replace("..", "_").replace("/", "_")
        names[path] = out / f"{name}.frames"
    return names


def is_done(folder, run):
    """Whether a folder holds all of just this forecast."""
    try:
        noted = json.loads((folder / WRITTEN).read_text())
        names = [VIDEO, SHEET, *noted["images"]]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return noted["run"] == run and all(is_own(folder / name) for name in names)


def as_json(forecast, run, names):
    """What is known of a forecast, in plain types; infinite values are null."""

    def plain(values):
        return [
            float(f"{one:.6g}") if np.isfinite(one) else None for one in values.tolist()
        ]

    errors = {
        name: {measure: plain(values) for measure, values in measures.items()}
        for name, measures in forecast.errors().items()
    }
    return dict(
        run=run,
        fps=forecast.fps,
        presence={name: bool(here) for name, here in forecast.presence.items()},
        damage=list(forecast.damage),
        seen=plain(forecast.seen_times),
        times=plain(forecast.times),
        true_frames=int(forecast.true.shape[1]),
        images=names,
        errors_by_horizon=errors,
    )


def write(forecast, folder, run):
    """All files of a forecast; the one that says it is done comes last."""
    count = forecast.predicted.shape[1]
    digits = max(len(str(count)), 3)
    names = [f"predicted_{k:0{digits}}.png" for k in range(1, count + 1)]
    folder.mkdir(parents=True, exist_ok=True)
    refuse_foreign(folder / name for name in (VIDEO, SHEET, WRITTEN, *names))
    parts = forecast.seen, forecast.predicted, forecast.true
    times = [*forecast.seen_times, *forecast.times]
    write_media(folder / VIDEO, side_by_side(*parts, times), forecast.fps)
    images = [sheet_of(*parts), *as_images(forecast.predicted)]
    for name, image in zip([SHEET, *names], images):
        with own_file(folder / name) as part:
            part.write_bytes(as_png(image))
    content = json.dumps(as_json(forecast, run, names), indent=1, allow_nan=False)
    write_own(folder / WRITTEN, content + "\n")


def summary_of(forecast):
    """One line: how good the forecast is beside what needs no model."""
    errors = forecast.errors()
    if not errors:
        return "the file ends there: no true frames to compare with"
    means = {
        name: float(np.minimum(one["psnr_range1"], 100).mean())
        for name, one in errors.items()
    }
    return "PSNR (range 1) " + ", ".join(f"{k} {v:.2f} dB" for k, v in means.items())


def main():
    print_any_name()
    args = parse_args()
    kept = f"what is done is in {args.out}, the same command goes on"
    with short_errors("predict_frames", kept):
        files = named_videos(args.files)
        folders = folders_of(files, args.out)
        model = load_recognizer(
            args.config, args.checkpoint, args.device, trust=args.trust
        )
        shared = dict(
            config=stamp(args.config), checkpoint=stamp(args.checkpoint), at=args.at
        )
        failed = 0
        with progress_bar(total=len(files), unit="file") as bar:
            for path, folder in folders.items():
                try:
                    run = dict(shared, frames=args.frames, file=stamp(path))
                    if is_done(folder, run):
                        said = "is done"
                    else:
                        forecast = predict_frames(
                            model, path, args.at, frames=args.frames
                        )
                        write(forecast, folder, run)
                        said = summary_of(forecast)
                    bar.write(f"{folder}: {said}", file=sys.stdout)
                except FileExistsError:  # of the user: for all files alike
                    raise
                except (OSError, MediaError, ValueError) as error:
                    failed += 1
                    bar.write(f"predict_frames: {error}", file=sys.stderr)
                bar.update()
    if failed and len(files) > 1:
        print(
            f"predict_frames: {failed} of {len(files)} files cannot be used",
            file=sys.stderr,
        )
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
