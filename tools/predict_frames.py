"""Forecast the frames of video files that come after a given time.

python tools/predict_frames.py FILE [FILE ...] --at 12.0 --config CONFIG
    --checkpoint CHECKPOINT [--frames N] [--out DIR]

FILE is a video, a folder (all videos below it), or a text file with a path a line. The
model sees frames, flow and sound up to --at, a time of the file (62.5 or 1:02.5), and
nothing of what comes then. --frames beyond what it was trained for go on from its own
forecast.

Of each file a folder is written, NAME.frames below --out: side_by_side.mp4 (seen,
predicted, and true where the file goes on), predicted_001.png and so on, sheet.png, and
forecast.json with the times and the errors by horizon, of the model, of the last frame
repeated and of flow extrapolated. Nothing is written over that this tool did not write.

A file that cannot be used is named, and the others go on; the exit code is 1 then. The
same command again leaves out what is done.
"""

import argparse
import json
import math
import sys
from pathlib import Path

from file_names import fitting, key_of, plain_names, share_of
from file_results import each_usable
from inference_commands import (
    add_files,
    add_shared_flags,
    load,
    model_of,
    progress_bar,
    stamp,
)
from named_files import meant_files
from starting import begin

from mmstconv.disk import (
    is_own,
    local_path,
    own_file,
    print_any_name,
    refuse_foreign,
    remove_unfinished,
    write_own_json,
)
from mmstconv.media import MediaError, write_media

VIDEO, SHEET, WRITTEN = "side_by_side.mp4", "sheet.png", "forecast.json"


def parse_args():
    parser = argparse.ArgumentParser(description="Forecast the frames of video files")
    add_files(parser)
    parser.add_argument(
        "--at",
        type=seconds_of,
        required=True,
        help="seconds, or 1:02.5; the first frame to come",
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


def seconds_of(text):
    """Seconds of ``62.5``, ``1:02.5`` and ``0:01:02.5``."""
    *clock, last = text.split(":")
    try:
        parts = [*map(int, clock), float(last)]
    except ValueError:
        parts = [math.nan]
    found = sum(part * 60**k for k, part in enumerate(reversed(parts)))
    if not math.isfinite(found) or len(parts) > 3 or (clock and min(parts) < 0):
        raise argparse.ArgumentTypeError(
            f"must be a time of the file, such as 62.5 or 1:02.5, got {text!r}"
        )
    return found


def folders_of(files, out):
    """``{file: folder}``: the name and .frames; where two have the same, the path."""
    names = plain_names(files)
    return {path: out / fitting(names[key_of(path)], ".frames") for path in files}


def is_done(folder, run):
    """Whether a folder holds all of just this forecast."""
    try:
        noted = json.loads((folder / WRITTEN).read_bytes())
        same, names = noted["run"] == run, [VIDEO, SHEET, *noted["images"]]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return same and all(is_own(folder / name) for name in names)


def as_json(forecast, errors, run, names):
    """What is known of a forecast, in plain types; infinite values are null."""

    def plain(values):
        return [
            float(f"{one:.6g}") if math.isfinite(one) else None
            for one in values.tolist()
        ]

    by_horizon = {
        name: {measure: plain(values) for measure, values in measures.items()}
        for name, measures in errors.items()
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
        errors_by_horizon=by_horizon,
    )


def write(forecast, errors, folder, run):
    """All files of a forecast; the one that says it is done comes last."""
    from mmstconv.visualization.frame_panels import (
        as_images,
        as_png,
        sheet_of,
        side_by_side,
    )

    count = forecast.predicted.shape[1]
    digits = max(len(str(count)), 3)
    names = [f"predicted_{k:0{digits}}.png" for k in range(1, count + 1)]
    folder.mkdir(parents=True, exist_ok=True)
    remove_unfinished(folder)
    refuse_foreign(folder / name for name in (VIDEO, SHEET, WRITTEN, *names))
    for old in folder.glob("predicted_*.png"):  # of a longer forecast
        if old.name not in names and is_own(old):
            old.unlink()
    parts = forecast.seen, forecast.predicted, forecast.true
    times = [*forecast.seen_times, *forecast.times]
    write_media(folder / VIDEO, side_by_side(*parts, times), forecast.fps)
    images = [sheet_of(*parts), *as_images(forecast.predicted)]
    for name, image in zip([SHEET, *names], images):
        with own_file(folder / name) as part:
            part.write_bytes(as_png(image))
    content = as_json(forecast, errors, run, names)
    write_own_json(folder / WRITTEN, content, indent=1, allow_nan=False)


def summary_of(errors):
    """One line: how good the forecast is beside what needs no model."""
    if not errors:
        return "the file ends there: no true frames to compare with"
    means = {
        name: float(one["psnr_range1"].clip(max=100).mean())
        for name, one in errors.items()
    }
    return "PSNR (range 1) " + ", ".join(f"{k} {v:.2f} dB" for k, v in means.items())


def predict_all(model, files, folders, args):
    """Writes the forecast of each file, unless it is done.

    Returns:
        How many files cannot be used.
    """
    from mmstconv.apis import predict_frames
    from mmstconv.apis.frame_window import FrameWindowError

    shared = dict(model_of(args.config, args.checkpoint), at=args.at)
    with progress_bar(iterable=files, unit="file") as bar:

        def read(path):
            run = dict(shared, frames=args.frames, file=stamp(path))
            if is_done(folders[path], run):
                return run, None
            return run, predict_frames(model, path, args.at, frames=args.frames)

        def then(path, found):
            run, forecast = found
            said = "is done"
            if forecast is not None:
                errors = forecast.errors()
                write(forecast, errors, folders[path], run)
                said = summary_of(errors)
            bar.write(f"{folders[path]}: {said}", file=sys.stdout)

        unusable = (OSError, MediaError, FrameWindowError)
        return each_usable("predict_frames", bar, read, then, unusable)


def main():
    print_any_name()
    args = parse_args()
    begin("predict_frames")
    from mmstconv.engine.messages import short_errors

    kept = f"what is done is in {args.out}, the same command goes on"
    with short_errors("predict_frames", kept):
        files = meant_files(args.files)  # of all jobs: names tell them apart
        folders = folders_of(files, args.out)
        files = share_of(files, args.shard)
        failed = predict_all(load(args), files, folders, args)
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
