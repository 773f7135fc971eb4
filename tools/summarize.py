"""Summarize a film: a shorter one of its most important shots, with sound.

python tools/summarize.py CONFIG CHECKPOINT VIDEO [--share 0.15] [--out DIR]

Writes into a folder, by default the video's name and .summary: summary.mp4 (of a file
without pictures summary.m4a), key_frames.png, and summary.json with the times and
scores of all shots. A checkpoint without a head for summaries will do: then steps are
rated by their features alone, which summary.json says (rated_by).

Safe to interrupt: a film that was read to its end is not read again. Nothing is written
over that this tool did not write, nor the summary of another film.
"""

import argparse

from inference_commands import add_shared_flags, default_out, load, progress_bar
from starting import begin

from mmstconv.disk import local_path, media_path, print_any_name

# As ShotLimits of mmstconv.apis, which takes long to import, has them.
SHORTEST, LONGEST = 1.0, 10.0


def parse_args():
    parser = argparse.ArgumentParser(description="Summarize a film")
    parser.add_argument("config", help="config the checkpoint was trained with")
    parser.add_argument("checkpoint", help="checkpoint file")
    parser.add_argument("video", type=media_path, help="video file, or its address")
    parser.add_argument(
        "--share", type=float, default=0.15, help="of the film that is shown, at most"
    )
    parser.add_argument(
        "--out", type=local_path, help="folder; default: the video's name and .summary"
    )
    parser.add_argument(
        "--shortest", type=float, default=SHORTEST, help="shot, in seconds"
    )
    parser.add_argument(
        "--longest", type=float, default=LONGEST, help="shot, in seconds"
    )
    add_shared_flags(parser)
    return parser.parse_args()


def main():
    print_any_name()
    args = parse_args()
    begin("summarize")
    from mmstconv.apis import summarize
    from mmstconv.apis.summary.shots import ShotLimits
    from mmstconv.engine.messages import short_errors

    out = args.out or default_out(args.video, ".summary")
    kept = f"what was read to its end is kept in {out}, the same command goes on"
    with short_errors("summarize", kept):
        model = load(args)
        shown = dict(desc="steps", bar_format="{desc}{n_fmt} %")
        with progress_bar(total=100, **shown) as bar:

            def show(what, share):
                bar.set_description(what, refresh=False)
                bar.update(int(100 * share) - bar.n)

            summarize(
                model,
                args.video,
                out,
                share=args.share,
                limits=ShotLimits(args.shortest, args.longest),
                progress=show,
            )
    print(out)


if __name__ == "__main__":
    main()
