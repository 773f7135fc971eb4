"""Say in sentences what video files hold: of a whole file, its parts or its events.

python tools/caption.py CONFIG CHECKPOINT FILE [FILE ...] [--out captions.json]
python tools/caption.py CONFIG CHECKPOINT FILE --dense [--events CONFIG CHECKPOINT]
python tools/caption.py CONFIG CHECKPOINT FILE --live

FILE is a video, a folder (all videos below it), or a text file with a path a line. The
result is JSON in the layout of ActivityNet Captions (version, results, external_data):
one sentence a file; with --every one of each part of so many seconds; with --dense one
of each event, which the model's own head for events finds or, with --events, another
model. --subtitles writes SRT or VTT of each file beside it. Times are seconds of the
file.

With --live sentences are printed as a single FILE, or the camera of a number, goes on:
of each --every seconds (4), or with --dense of each event when it has ended.

A file that cannot be used is named, and the others go on; the exit code is 1 then.
Every file that is done is kept in a journal beside the result: the same command again
does the others.
"""

import argparse
import os
import sys
from functools import partial

from file_results import FileResults, beside, for_each_file
from inference_commands import (
    add_shared_flags,
    default_out,
    named_videos,
    progress_bar,
    stamp,
)
from live_frames import frames_of

from mmstconv.apis import (
    StreamingCaptioner,
    TimedCaption,
    caption_events,
    caption_video,
    load_recognizer,
)
from mmstconv.disk import local_path, print_any_name, write_own_json
from mmstconv.engine.messages import short_errors
from mmstconv.media import open_media
from mmstconv.visualization.subtitles import write_subtitles

EVERY = 4.0  # seconds of a live sentence


def parse_args():
    parser = argparse.ArgumentParser(description="Say what video files hold")
    parser.add_argument("config", help="config the checkpoint was trained with")
    parser.add_argument("checkpoint", help="checkpoint file")
    parser.add_argument(
        "files",
        nargs="+",
        type=local_path,
        metavar="FILE",
        help="video, folder of them, or list (.txt); with --live or a camera's number",
    )
    parser.add_argument(
        "--out",
        type=local_path,
        help=".json; default: the video's name and .captions.json",
    )
    parser.add_argument(
        "--every", type=float, help="seconds of a part that has a sentence"
    )
    parser.add_argument("--dense", action="store_true", help="a sentence of each event")
    parser.add_argument(
        "--events",
        nargs=2,
        metavar=("CONFIG", "CHECKPOINT"),
        help="with --dense: the model that finds the events; default: this one",
    )
    parser.add_argument(
        "--threshold",
        type=float,
        default=0.3,
        help="with --dense: what scores less is no event; default: %(default)s",
    )
    parser.add_argument(
        "--subtitles", nargs="+", choices=("srt", "vtt"), default=[], metavar="FORMAT"
    )
    parser.add_argument("--live", action="store_true", help="print them as it goes on")
    parser.add_argument(
        "--fast", action="store_true", help="with --live: a file as fast as can be"
    )
    parser.add_argument(
        "--hop", type=int, help="frames between windows; default: half of one"
    )
    add_shared_flags(parser)
    args = parser.parse_args()
    check(parser, args)
    args.out = args.out or default_out(args.files[0], ".captions.json")
    return args


def check(parser, args):
    """Options that do not go together."""
    if args.out is not None and args.out.suffix.lower() != ".json":
        parser.error(f"--out must end with .json, got {args.out}; for SRT or VTT take "
                     "--subtitles")  # fmt: skip
    if args.dense and args.every is not None:
        parser.error("--dense says a sentence of each event: leave --every out")
    if args.events and not args.dense:
        parser.error("--events goes with --dense")
    if args.live and (len(args.files) > 1 or args.events):
        parser.error("--live takes one FILE, or the number of a camera, and one model")
    if args.live and (args.out or args.subtitles):
        parser.error("--live prints sentences: leave --out and --subtitles out")


class Results(FileResults):
    """The sentences of files, in the layout of ActivityNet Captions."""

    what = "captions"

    def save(self, done):
        results = {
            self.ids[name]: [
                dict(
                    sentence=one.text,
                    timestamp=[round(one.start, 3), round(one.end, 3)],
                    score=round(one.score, 4),
                )
                for one in captions_in(known)
            ]
            for name, known in done.items()
        }
        content = dict(version="VERSION 1.0", results=results, external_data={})
        write_own_json(self.out, content, indent=1)


def captions_in(known):
    return [TimedCaption(*one) for one in known["captions"]]


def captions_of(path, model, detector, args):
    """What is said of a file, as it is noted; says how far it is."""
    with open_media(path) as media:
        begin, end = media.extent
    known = dict(stamp=stamp(path))
    with progress_bar(desc=str(path), total=round(end - begin), unit="s") as bar:
        options = dict(
            hop=args.hop, progress=lambda now: bar.update(round(now - begin) - bar.n)
        )
        if args.dense:
            options.update(detector=detector, threshold=args.threshold)
            known["captions"] = caption_events(model, path, **options)
        else:
            known["captions"] = caption_video(model, path, every=args.every, **options)
    return known


def caption_all(model, detector, files, results, args):
    """Adds the sentences of each file to the results, and writes its subtitles."""

    def write(path, known):
        timed = [one[:3] for one in captions_in(known)]
        for form in args.subtitles:
            name = results.ids[os.fspath(path)]
            write_subtitles(timed, beside(name, args.out, f".{form}"))

    read = partial(captions_of, model=model, detector=detector, args=args)
    return for_each_file("caption", files, results, read, write)


def say_live(model, args):
    """Prints sentences as a file or a camera goes on."""
    options = dict(dense=args.dense, threshold=args.threshold, hop=args.hop)
    stream = StreamingCaptioner(model, every=args.every or EVERY, **options)
    source = os.fspath(args.files[0])
    try:
        for frame, sound in frames_of(
            source, stream.fps, stream.sample_rate, fast=args.fast
        ):
            if len(sound):
                stream.push_sound(sound)
            show(stream.push_frame(frame))
    except KeyboardInterrupt:  # the usual end of a camera
        pass
    show(stream.finish())


def show(captions):
    for one in captions:
        print(f"{one.start:8.2f} {one.end:8.2f}  {one.text}", flush=True)


def load(args, config, checkpoint):
    return load_recognizer(config, checkpoint, args.device, trust=args.trust)


def main():
    print_any_name()
    args = parse_args()
    if args.live:
        with short_errors("caption", "what was said stands above"):
            say_live(load(args, args.config, args.checkpoint), args)
        return
    kept = f"{args.out} has the files that are done, the same command goes on"
    with short_errors("caption", kept):
        files = named_videos(args.files)
        run = dict(
            config=stamp(args.config),
            checkpoint=stamp(args.checkpoint),
            events=[stamp(path) for path in args.events or ()],
            every=args.every,
            dense=args.dense,
            threshold=args.threshold,
            hop=args.hop,
        )
        results = Results(args.out, run, files)
        with results.at_work():
            model = load(args, args.config, args.checkpoint)
            detector = load(args, *args.events) if args.events else None
            failed = caption_all(model, detector, files, results, args)
    if args.out.exists():
        print(args.out)
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
