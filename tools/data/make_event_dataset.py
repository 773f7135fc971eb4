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
from demo_timeline import draw_film_spec, render_film_frames, render_film_sound
from made_dataset import make_missing, run_from_command

VERSION = 1  # of the content: raise it whenever the same seed gives other files
SUBSETS = {"training": 48, "validation": 12, "test": 60}
SECONDS = 48
ANNOTATION = "events.json"


def timelines_of(seed: int, subset: str, videos: int) -> list[Timeline]:
    """The events of a subset's videos; more videos do not change the first ones."""
    rng = np.random.default_rng(_seeds(seed, subset))
    return draw_timelines(rng, videos, SECONDS)


def video_path(out: Path, subset: str, index: int) -> Path:
    """Where a video is; the name without suffix is its id."""
    return Path(out) / "videos" / f"{subset}_{index:04d}.mp4"


def write_video(job: tuple[str, int, Timeline], out: Path, seed: int) -> None:
    """Renders and encodes one video; the file appears only when it is whole."""
    from mmstconv.media import SoundCoding, VideoCoding, write_media

    subset, index, timeline = job
    seeds = _seeds(seed, subset, index).spawn(3)
    spec_rng, frames_rng, sound_rng = map(np.random.default_rng, seeds)
    spec = draw_film_spec(spec_rng, SECONDS)
    write_media(
        video_path(out, subset, index),
        render_film_frames(spec, timeline, frames_rng),
        spec.fps,
        render_film_sound(spec, timeline, sound_rng),
        spec.sample_rate,
        video=VideoCoding(options={"preset": "ultrafast", "crf": "23"}),
        sound=SoundCoding(codec="alac"),  # several times as quick as AAC
        record=out,
    )


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
    sizes: dict[str, int] = SUBSETS,
    seed: int = 0,
    workers: int = 1,
    check: bool = False,
) -> dict[str, list[Timeline]]:
    """Writes what is missing of the data set; silent when that is nothing.

    Args:
        out: Folder of the data set.
        sizes: Number of videos of each subset.
        seed: Of all that is drawn.
        workers: Processes.
        check: Write nothing, raise if anything is missing.

    Returns:
        The events of each subset's videos.

    Raises:
        ValueError: If ``out`` holds something else, or a data set of other parameters.
        ForeignFile: If a file is in the way that was not written here.
        FolderInUse: If another process is making the data set.
        FileNotFoundError: If ``check`` and the data set is not complete.
    """
    out = Path(out)
    timelines = {name: timelines_of(seed, name, size) for name, size in sizes.items()}
    make_missing(
        out,
        "event",
        {"version": VERSION, "seed": seed, "sizes": sizes},
        {
            video_path(out, subset, index): (subset, index, timeline)
            for subset, videos in timelines.items()
            for index, timeline in enumerate(videos)
        },
        {
            ANNOTATION: annotation_text(timelines),
            "classes.txt": "\n".join(CLASSES) + "\n",
        },
        partial(write_video, out=out, seed=seed),
        workers,
        check,
    )
    return timelines


def _seeds(seed: int, subset: str, *index: int) -> np.random.SeedSequence:
    return np.random.SeedSequence(seed, spawn_key=(list(SUBSETS).index(subset), *index))


def main(arguments: list[str] | None = None) -> None:
    from mmstconv.disk import local_path, print_any_name

    print_any_name()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=local_path, help="folder of the data set")
    for subset, size in SUBSETS.items():
        parser.add_argument(f"--{subset}", type=int, default=size, help="videos")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2, help="processes")
    parser.add_argument("--check", action="store_true", help="only see if all is there")
    parser.add_argument("--bounds", action="store_true", help="print what is reachable")
    args = parser.parse_args(arguments)
    sizes = {subset: getattr(args, subset) for subset in SUBSETS}
    if min(*sizes.values(), args.seed) < 0:
        parser.error("sizes and seed must not be negative")

    def make() -> None:
        made = make_dataset(args.out, sizes, args.seed, args.workers, args.check)
        for name in ("rgb+flow+audio", "rgb", "audio") if args.bounds else ():
            print(f"test mAP@0.5 of {name}: at most {bound(made['test'], name):.3f}")

    run_from_command("make_event_dataset", make)


if __name__ == "__main__":
    main()
