"""Re-encodes videos to training form, which a loader reads in a few milliseconds.

    python tools/data/prepare_videos.py data/videos data/videos_128
    python tools/data/prepare_videos.py data/ucf101/videos data/ucf101/videos_128 \
        --ann data/ucf101/ucf101_train_split_1_videos.txt \
              data/ucf101/ucf101_val_split_1_videos.txt

All videos of a folder, or those that MMAction2's annotation files name, go to the same
places in another folder, as .mp4: short side 128, a key frame every 16 frames, mono
sound at 16 kHz. Time stamps stay, frames are upright, and what a file lacks (sound,
video) it still lacks. In the config only ``data_prefix`` and ``ann_file`` change:
annotation files of the same names, with the new names in them, are written beside.

Two files whose names differ in the suffix alone become ``a.avi.mp4`` and ``a.mp4``. A
file that cannot be read is named with its reason, is left out of the new annotation,
and makes the exit code 1. Safe to interrupt: no file is ever half there, and a rerun
makes what is missing, what has changed, and what was made with other settings.

With ``--shards N`` the prepared files of each list are written into N tars as well, in
``shards`` below the folder (tools/data/write_shards.py).

Several jobs share the work by ``--shard 0/4`` to ``3/4`` and one folder to write to; a
last run without it makes what they have left, and the annotation files.

Nothing is ever written over that this tool did not write, or that was changed since:
such files are named before the first is written, and the run ends.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))
from engine_flags import add_engine_flags, check_engine_flags, engine_options
from file_names import add_shard_flag
from prepared_lists import read_annotations
from preparing_run import prepare_videos
from write_shards import write_lists

from mmstconv.disk import local_path, print_any_name
from mmstconv.light_start import import_what_is_named


def _say(text: str) -> None:
    from tqdm import tqdm

    tqdm.write(text)


def main(arguments: list[str] | None = None) -> None:
    print_any_name()
    import_what_is_named()
    from mmstconv.media.writing.preparing import TrainingForm

    default = TrainingForm()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("videos", type=local_path, help="folder of the videos")
    parser.add_argument("out", type=local_path, help="folder to write to")
    parser.add_argument(
        "--ann",
        type=local_path,
        nargs="+",
        default=[],
        help="only what these files name",
    )
    parser.add_argument(
        "--short-side", type=int, default=default.short_side, help="pixels"
    )
    parser.add_argument(
        "--key-frame-every", type=int, default=default.key_frame_every, help="frames"
    )
    parser.add_argument(
        "--sample-rate", type=int, default=default.sample_rate, help="of the sound"
    )
    parser.add_argument(
        "--crf", type=int, default=default.crf, help="of H.264; larger is worse"
    )
    parser.add_argument("--workers", type=int, help="processes; default: one a core")
    add_engine_flags(parser)
    parser.add_argument(
        "--shards", type=int, help="write each list into so many tars as well (shards/)"
    )
    add_shard_flag(parser)
    args = parser.parse_args(arguments)
    if args.workers is not None and args.workers < 1:
        parser.error("--workers must be positive")
    check_engine_flags(parser, args)
    if args.shards is not None and not (args.ann and args.shards > 0):
        parser.error("--shards needs --ann, and must be positive")
    if args.shards and args.shard:
        parser.error("--shards is of the last run, which is without --shard")
    try:
        form = TrainingForm(
            args.short_side, args.key_frame_every, args.sample_rate, args.crf
        )
        failed = prepare_videos(
            args.videos,
            args.out,
            args.ann,
            form,
            args.workers or os.cpu_count() or 1,
            say=_say,
            shard=args.shard,
            ray=engine_options("prepare", args) if args.engine == "ray" else None,
        )
        if args.shards:
            made = [args.out / path.name for path in args.ann]
            lists = read_annotations([path for path in made if path.exists()], args.out)
            failed += write_lists(
                lists, args.out, args.out / "shards", args.shards, say=_say
            )
    except (ValueError, OSError, ImportError) as error:
        sys.exit(f"prepare_videos: {error}")
    except KeyboardInterrupt:
        print("\nprepare_videos: interrupted, run again to go on", file=sys.stderr)
        sys.exit(130)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
