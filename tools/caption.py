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

from file_results import FileResults, for_each_file, write_results
from inference_commands import (
    add_event_flags,
    add_model_and_files,
    add_shared_flags,
    default_out,
    film_bar,
    load,
    model_of,
    stamp,
)
from live_frames import begin_of, frames_of
from starting import begin

from mmstconv.disk import local_path, print_any_name, write_own_json


def parse_args():
    parser = argparse.ArgumentParser(description="Say what video files hold")
    add_model_and_files(parser, "; with --live or a camera's number")
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
        "--subtitles", nargs="+", choices=("srt", "vtt"), default=[], metavar="FORMAT"
    )
    parser.add_argument("--live", action="store_true", help="print them as it goes on")
    parser.add_argument(
        "--fast", action="store_true", help="with --live: a file as fast as can be"
    )
    add_event_flags(parser, "with --dense: ")
    add_shared_flags(parser)
    args = parser.parse_args()
    check(parser, args)
    args.out = args.out or default_out(args.files[0].path, ".captions.json")
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
    if args.fast and not args.live:
        parser.error("--fast goes with --live")
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
    from mmstconv.apis import TimedCaption

    return [TimedCaption(*one) for one in known["captions"]]


def captions_of(path, model, detector, layout, args):
    """What is said of a file, as it is noted; says how far it is."""
    from mmstconv.apis import caption_events, caption_video

    with film_bar(path) as film:
        known = dict(stamp=stamp(path))
        options = dict(hop=args.hop, layout=layout, progress=film.reach)
        if args.dense:
            options.update(detector=detector, threshold=args.threshold)
            known["captions"] = caption_events(model, path, **options)
        else:
            known["captions"] = caption_video(model, path, every=args.every, **options)
    return known


def caption_all(model, files, results, args):
    """Adds the sentences of each file to the results, and writes its subtitles.

    Returns:
        How many files cannot be used.
    """
    from mmstconv.apis import load_recognizer
    from mmstconv.apis.film_steps import step_layout
    from mmstconv.visualization.subtitles import write_subtitles

    detector = None
    if args.events:
        detector = load_recognizer(*args.events, args.device, trust=args.trust)

    def write(path, known):
        timed = [one[:3] for one in captions_in(known)]
        for form in args.subtitles:
            write_subtitles(timed, results.beside(path, f".{form}"))

    known = dict(model=model, detector=detector, layout=step_layout(model))
    read = partial(captions_of, **known, args=args)
    return for_each_file("caption", files, results, read, write)


def say_live(model, args):
    """Prints sentences as a file or a camera goes on."""
    from mmstconv.apis import StreamingCaptioner

    options = dict(dense=args.dense, threshold=args.threshold, hop=args.hop)
    if args.every is not None:
        options["every"] = args.every
    stream = StreamingCaptioner(model, **options)
    source = os.fspath(args.files[0].path)
    begin = begin_of(source)
    try:
        for frame, sound in frames_of(
            source, stream.fps, stream.sample_rate, fast=args.fast
        ):
            if len(sound):
                stream.push_sound(sound)
            show(stream.push_frame(frame), begin)
    except KeyboardInterrupt:  # the usual end of a camera
        pass
    show(stream.finish(), begin)


def show(captions, begin):
    for one in captions:
        times = f"{begin + one.start:8.2f} {begin + one.end:8.2f}"
        print(f"{times}  {one.text}", flush=True)


def main():
    print_any_name()
    args = parse_args()
    if args.live:
        begin("caption")
        from mmstconv.engine.messages import short_errors

        with short_errors("caption", "what was said stands above"):
            say_live(load(args), args)
        return
    options = dict(
        events=args.events and model_of(*args.events),
        every=args.every,
        dense=args.dense,
        threshold=args.threshold,
    )
    sys.exit(write_results("caption", args, Results, options, caption_all))


if __name__ == "__main__":
    main()
