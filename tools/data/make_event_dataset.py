"""Makes untrimmed videos with events that no single modality can tell.

    python tools/data/make_event_dataset.py data/events

The object and the tone of the demo's clips, along 48 seconds: an event is a motion
(up, down or none) together with a glide (rising, falling or none), so there are 8
classes. Between events, and in those without a motion or a glide, the object rests in
the picture and the tone is steady. Colour and all the rest are drawn independently of
the events. What each modality cannot know, and what it can reach at best, is in
``demo_events.py``.

The folder holds ``videos``, their events as ActivityNet's JSON in ``events.json``
(subsets ``training``, ``validation`` and ``test``), and ``classes.txt``.

Safe to interrupt: a rerun makes what is missing; the annotations are written last.
Nothing is written over that this tool did not write, or that was changed since.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from functools import partial
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from demo_events import CLASSES, Timeline, bound, draw_timelines, label_of
from made_dataset import read_flags, run_from_command, video_path
from made_films import make_films, seeds_of, write_film

VERSION = 1  # of the content: raise it whenever the same seed gives other files
SIZES = {"training": 48, "validation": 12, "test": 60}
SECONDS = 48
ANNOTATION = "events.json"


def timelines_of(seed: int, subset: str, videos: int) -> list[Timeline]:
    """The events of a subset's videos; more videos do not change the first ones."""
    rng = np.random.default_rng(seeds_of(seed, subset))
    return draw_timelines(rng, videos, SECONDS)


def annotation_text(timelines: dict[str, list[Timeline]]) -> str:
    """The events as ActivityNet's JSON.

    Args:
        timelines: Of the videos of each subset.
    """
    database = {
        video_path(Path(), subset, index).stem: {
            "subset": subset,
            "duration": float(SECONDS),
            "annotations": [
                {"segment": [part.start, part.end], "label": label_of(part)}
                for part in timeline
            ],
        }
        for subset, videos in timelines.items()
        for index, timeline in enumerate(videos)
    }
    return json.dumps({"version": "mmstconv", "database": database}, indent=1) + "\n"


def make_dataset(
    out: str | os.PathLike,
    sizes: dict[str, int] = SIZES,
    seed: int = 0,
    workers: int = 1,
    check: bool = False,
) -> dict[str, list[Timeline]]:
    """Writes what is missing of the data set, as :func:`make_films` does.

    Args:
        sizes: Number of videos of each subset.

    Returns:
        The events of each subset's videos.
    """
    timelines = {name: timelines_of(seed, name, size) for name, size in sizes.items()}
    texts = {
        ANNOTATION: annotation_text(timelines),
        "classes.txt": "\n".join(CLASSES) + "\n",
    }
    write = partial(write_film, seconds=SECONDS)
    make_films(
        out, "event", VERSION, sizes, timelines, write, texts, seed, workers, check
    )
    return timelines


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bounds", action="store_true", help="print what is reachable")
    args = read_flags(parser, SIZES, "videos", arguments)

    def make() -> None:
        made = make_dataset(args.out, args.sizes, args.seed, args.workers, args.check)
        for name in ("rgb+flow+audio", "rgb", "audio") if args.bounds else ():
            print(f"test mAP@0.5 of {name}: at most {bound(made['test'], name):.3f}")

    run_from_command("make_event_dataset", make)


if __name__ == "__main__":
    main()
