"""Cache what the streams say along videos, for heads that learn from whole videos.

python tools/cache_steps.py CONFIG CHECKPOINT [--out DIR] [--files PATH ...]

Writes one .npz for each video of the config's data sets (or of --files: videos, folders
of them, or text files with a path a line) into the folder that the config's
LoadFilmSteps reads. Of the checkpoint only the streams are used: it may be one of
another head. The clips are those of the config's test_pipeline.

Safe to interrupt: no file is ever half there, and a rerun makes what is missing and
what has changed, that is the video, the weights, the pipeline or --hop. A video that
cannot be read is named with its reason at the end, and makes the exit code 1.

--mmaction2-csv DIR writes the same features once more as MMAction2's localizers read
them (csv/v_NAME.csv, train.json, val.json, test.json): its BMN and TCANet train on
them (configs/event_detection). TCANet refines proposals that BMN has written:
--proposals.
"""

import argparse
import shlex
import sys
from pathlib import Path

from file_names import add_shard_flag, part_of, share_of
from inference_commands import add_shared_flags, progress_bar
from named_files import file_argument, meant_files
from starting import begin
from tqdm import tqdm

from mmstconv.disk import local_path, print_any_name


def parse_args():
    parser = argparse.ArgumentParser(description="Cache the steps of videos")
    parser.add_argument("config", help="config whose streams and clips count")
    parser.add_argument("checkpoint", help="checkpoint file with these streams")
    parser.add_argument(
        "--out", type=local_path, help="folder; default: what LoadFilmSteps reads"
    )
    parser.add_argument(
        "--files",
        nargs="+",
        type=file_argument,
        metavar="PATH",
        help="videos, folders or lists; default: the videos of the config's data sets",
    )
    parser.add_argument(
        "--hop", type=int, help="frames between windows; default: half of one"
    )
    parser.add_argument(
        "--mmaction2-csv",
        type=local_path,
        metavar="DIR",
        help="also write features and annotation of the config's data sets there",
    )
    parser.add_argument(
        "--csv-rows", type=int, default=100, help="rows of each of these; default: 100"
    )
    parser.add_argument(
        "--proposals",
        nargs="+",
        type=local_path,
        default=[],
        metavar="JSON",
        help="results of BMN, to go into the annotation",
    )
    add_shard_flag(parser)
    add_shared_flags(parser)
    args = parser.parse_args()
    if args.shard and args.mmaction2_csv:
        parser.error("--mmaction2-csv needs all videos: give it when all are cached")
    return args


def of_all_jobs():
    """The command's arguments without the one that tells jobs apart."""
    words = iter(sys.argv[1:])
    for word in words:
        if word == "--shard":
            next(words)
        elif not word.startswith("--shard="):
            yield word


def warn(text):
    tqdm.write(f"cache_steps: {text}", file=sys.stderr)  # above the bar, if any


def main():
    print_any_name()
    args = parse_args()
    begin("cache_steps")
    from mmstconv.apis import cache_film_steps, load_recognizer
    from mmstconv.apis.mmaction2_csv import write_mmaction2_csv
    from mmstconv.datasets import FilmCache
    from mmstconv.engine.configured_films import cache_of, films_of
    from mmstconv.engine.messages import short_errors

    kept = "what was made is kept, the same command goes on"
    with short_errors("cache_steps", kept):
        model = load_recognizer(
            args.config,
            args.checkpoint,
            args.device,
            trust=args.trust,
            streams_only=True,
        )
        out = args.out or Path(cache_of(model.cfg))
        films = meant_files(args.files) if args.files else films_of(model.cfg)
        films = share_of(films, args.shard)
        with progress_bar(total=len(films), unit="video") as bar:
            unusable = cache_film_steps(
                model,
                films,
                out,
                args.hop,
                command="python -m mmstconv cache-steps " + shlex.join(of_all_jobs()),
                part=part_of(args.shard),
                progress=lambda done, total: bar.update(done - bar.n),
                warn=warn,
            )
        for film, reason in unusable.items():
            warn(f"{film}: {reason}")
        if args.mmaction2_csv:
            write_mmaction2_csv(
                model.cfg,
                FilmCache(out),
                args.mmaction2_csv,
                args.csv_rows,
                proposals=args.proposals,
                warn=warn,
            )
        if unusable:
            warn(f"{len(unusable)} of {len(films)} videos cannot be used")
    print(out)
    sys.exit(len(unusable) > 0)


if __name__ == "__main__":
    main()
