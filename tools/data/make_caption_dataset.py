"""Makes clips with a sentence of each, every word of which needs its modality.

    python tools/data/make_caption_dataset.py data/demo_captions

``a {warm|cool} {disc|square} moves {up|down} {before|after} a {rising|falling} tone
sounds``: the object and the tone of the demo's clips, for some seconds; each slot is a
fair coin. Files without a sound track have the sentence without its second half. What
each modality cannot know, and what it can reach at best, is in ``demo_sentences.py``.

The folder holds ``videos``, a table ``file,start,end,text`` for each subset
(``training.csv``, ``validation.csv``, ``test.csv``), ``words.txt``, and ``seen.csv``:
of each training file a motion, when it is and what is seen of it.

Safe to interrupt: a rerun makes what is missing; the annotations are written last.
Nothing is written over that this tool did not write, or that was changed since.
"""

from __future__ import annotations

import argparse
import csv
import io
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from demo_sentences import (
    FLIPS,
    LENGTH,
    NONE,
    SLOTS,
    Clip,
    bound,
    draw_clips,
    draw_siblings,
)
from demo_sound import render_sound_along
from demo_spec import Spec
from demo_timeline import GLIDES, draw_film_spec, render_film_frames
from made_dataset import read_flags, run_from_command, video_path
from made_films import encode_film, make_films, seeds_of

VERSION = 1  # of the content: raise it whenever the same seed gives other files
SIZES = {"training": 640, "validation": 64, "test": 24}
GROUP = len(FLIPS) + 2  # files of each group of the test
WORDS = "words.txt"
SEEN = "seen.csv"


def clips_of(seed: int, subset: str, size: int) -> list[Clip]:
    """A subset's clips; of the test, groups of siblings."""
    rng = np.random.default_rng(seeds_of(seed, subset))
    return (draw_siblings if subset == "test" else draw_clips)(rng, size)


def table_of(subset: str, clips: Sequence[Clip]) -> str:
    """The sentences of whole files."""
    return _table(subset, [(0, clip.seconds, clip.sentence) for clip in clips])


def table_of_seen(clips: Sequence[Clip]) -> str:
    """What is seen of a motion of each training clip, from its begin to its end."""
    rows = []
    for clip in clips:
        start = next(
            round(part.start, 3)
            for part in clip.parts()
            if part.motion != NONE and 0 <= part.start < part.end <= clip.seconds
        )
        text = clip._replace(silent=True).sentence
        rows.append((start, round(start + LENGTH, 3), text))
    return _table("training", rows)


def _table(subset: str, rows: Iterable[tuple[float, float, str]]) -> str:
    """A row of each file as ``file,start,end,text``."""
    with io.StringIO(newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["file", "start", "end", "text"])
        for index, row in enumerate(rows):
            writer.writerow([video_path(Path(), subset, index).name, *row])
        return file.getvalue()


def words_of_all() -> str:
    """The words of all sentences, one a line."""
    slots = [word for words in SLOTS.values() for word in words]
    return "\n".join(sorted({"a", "moves", "tone", "sounds", *slots})) + "\n"


def make_dataset(
    out: str | os.PathLike,
    sizes: dict[str, int] = SIZES,
    seed: int = 0,
    workers: int = 1,
    check: bool = False,
) -> dict[str, list[Clip]]:
    """Writes what is missing of the data set, as :func:`make_films` does.

    Args:
        sizes: Number of files of each subset; of the test, of groups of 18.

    Returns:
        The clips of each subset.
    """
    clips = {name: clips_of(seed, name, size) for name, size in sizes.items()}
    texts = {f"{name}.csv": table_of(name, some) for name, some in clips.items()}
    texts |= {SEEN: table_of_seen(clips["training"]), WORDS: words_of_all()}
    make_films(
        out, "caption", VERSION, sizes, clips, write_clip, texts, seed, workers, check
    )
    return clips


def write_clip(job: tuple[str, int, Clip], out: Path, seed: int) -> None:
    """Renders and encodes one file."""
    subset, index, clip = job
    spec, frames, sound = render_clip(clip, seeds_of(seed, subset, clip.drawn))
    sound = None if clip.silent else sound
    encode_film(video_path(out, subset, index), spec, frames, sound, out)


def render_clip(
    clip: Clip, seeds: np.random.SeedSequence
) -> tuple[Spec, np.ndarray, np.ndarray]:
    """Its spec, pictures and sound, drawn from the same numbers for all siblings."""
    spec_rng, frames_rng, sound_rng = map(np.random.default_rng, seeds.spawn(3))
    spec = replace(
        draw_film_spec(spec_rng, clip.seconds),
        colour=SLOTS["colour"].index(clip.words["colour"]),
        shape=clip.words["shape"],
    )
    spec = replace(spec, **easy_to_tell(spec))
    parts = clip.parts()
    frames = render_film_frames(spec, parts, frames_rng)
    # The tone is silent at the ends of its sweep, and there between the glides.
    place = np.zeros(round(spec.duration * spec.sample_rate))
    seconds = np.arange(len(place)) / spec.sample_rate
    for part in parts:
        if GLIDES[part.glide]:
            way = (seconds - part.start) / (part.end - part.start)
            inside = (way >= 0) & (way < 1)
            place[inside] = way[inside] if GLIDES[part.glide] > 0 else 1 - way[inside]
    return spec, frames, render_sound_along(spec, place % 1, sound_rng)


def easy_to_tell(spec: Spec) -> dict:
    """What makes a square another thing than a disc for networks that see 56 x 56.

    Objects are large and upright, a square as wide as a disc, and backgrounds calm.
    """
    radius = spec.height * (0.25 + 0.2 * (spec.radius / spec.height - 0.15))
    wide = 1.18 if spec.shape == "square" else 1.0  # of what is drawn by one radius
    return dict(
        radius=radius * wide,
        angle=0.0,
        texture=0.6 * spec.texture,
        background_contrast=0.5 * spec.background_contrast,
    )


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bounds", action="store_true", help="print what is reachable")
    args = read_flags(
        parser, SIZES, f"files; of the test, groups of {GROUP}", arguments
    )

    def make() -> None:
        make_dataset(args.out, args.sizes, args.seed, args.workers, args.check)
        for name in ("rgb+flow+audio", "rgb", "flow", "audio") if args.bounds else ():
            print(f"whole sentences by {name}: at most {bound(name):.4f}")

    run_from_command("make_caption_dataset", make)


if __name__ == "__main__":
    main()
