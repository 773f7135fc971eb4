"""Makes clips with a sentence of each, every word of which needs its modality.

    python tools/data/make_caption_dataset.py data/demo_captions

``a {warm|cool} {bar|ring} moves {up|down} {before|after} a {rising|falling} tone
sounds``: the object and the tone of the demo's clips, for some seconds; each slot is a
fair coin. Files without a sound track have the sentence without its second half. What
each modality cannot know, and what it can reach at best, is in ``demo_sentences.py``.

The folder holds ``videos``, a table ``file,start,end,text`` for each subset
(``training.csv``, ``validation.csv``, ``test.csv``) and ``words.txt``; and ``seen``,
other clips of a second with a motion each, the eight kinds of which, ``warm bar up``
and so on, are their classes (``seen.txt``, ``classes.txt``).

Safe to interrupt: a rerun makes what is missing; the annotations are written last.
Nothing is written over that this tool did not write, or that was changed since.
"""

from __future__ import annotations

import argparse
import csv
import io
import itertools
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from demo_sentences import (
    FLIPS,
    OF_PICTURES,
    SLOTS,
    Clip,
    bound,
    draw_clips,
    draw_motions,
    draw_siblings,
)
from demo_sound import render_sound_along
from demo_spec import Spec
from demo_timeline import GLIDES, draw_film_spec, render_film_frames
from made_dataset import make_missing, read_flags, run_from_command, video_path
from made_films import SEEN, encode_film, seeds_of

VERSION = 2  # of the content: raise it whenever the same seed gives other files
SIZES = {"training": 800, "validation": 32, "test": 8, "seen": 640}
DRAWS = {"test": draw_siblings, "seen": draw_motions}
GROUP = len(FLIPS) * 9 // 8  # files of each group of the test
WORDS = "words.txt"
#: What is seen of a motion: the classes, by label.
KINDS = [" ".join(words) for words in
         itertools.product(*(SLOTS[slot] for slot in OF_PICTURES))]  # fmt: skip


def clips_of(seed: int, subset: str, size: int) -> list[Clip]:
    """A subset's clips; of the test, groups of siblings."""
    rng = np.random.default_rng(seeds_of(seed, subset))
    return DRAWS.get(subset, draw_clips)(rng, size)


def clip_path(out: Path, subset: str, index: int) -> Path:
    """Where a clip is."""
    if subset == SEEN:
        return out / SEEN / f"{index:04d}.mp4"
    return video_path(out, subset, index)


def table_of(subset: str, clips: Sequence[Clip]) -> str:
    """The sentences of whole files, as ``file,start,end,text``."""
    with io.StringIO(newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["file", "start", "end", "text"])
        for index, clip in enumerate(clips):
            name = video_path(Path(), subset, index).name
            writer.writerow([name, 0, clip.seconds, clip.sentence])
        return file.getvalue()


def list_of_seen(clips: Sequence[Clip]) -> str:
    """The labels of clips of a motion, as ``path label``."""
    rows = (
        f"{clip_path(Path(), SEEN, index).name} {KINDS.index(clip.seen)}"
        for index, clip in enumerate(clips)
    )
    return "".join(f"{row}\n" for row in rows)


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
    """Writes what is missing of the data set, as :func:`make_missing` does.

    Args:
        sizes: Number of files of each subset; of the test, of groups of 72.

    Returns:
        The clips of each subset.
    """
    out = Path(out)
    clips = {name: clips_of(seed, name, size) for name, size in sizes.items()}
    texts = {f"{name}.csv": table_of(name, some) for name, some in clips.items()
             if name != SEEN}  # fmt: skip
    texts |= {f"{SEEN}.txt": list_of_seen(clips.get(SEEN, ())), WORDS: words_of_all()}
    texts["classes.txt"] = "".join(f"{kind}\n" for kind in KINDS)
    make_missing(
        out,
        "caption",
        {"version": VERSION, "seed": seed, "sizes": dict(sizes)},
        {
            clip_path(out, subset, index): (subset, index, clip)
            for subset, some in clips.items()
            for index, clip in enumerate(some)
        },
        texts,
        partial(write_clip, out=out, seed=seed),
        workers,
        check,
    )
    return clips


def write_clip(job: tuple[str, int, Clip], out: Path, seed: int) -> None:
    """Renders and encodes one file."""
    subset, index, clip = job
    spec, frames, sound = render_clip(clip, seeds_of(seed, subset, clip.drawn))
    encode_film(clip_path(out, subset, index), spec, frames, sound, out)


def render_clip(
    clip: Clip, seeds: np.random.SeedSequence
) -> tuple[Spec, np.ndarray, np.ndarray | None]:
    """Its spec, pictures and sound, drawn from the same numbers for all siblings."""
    spec_rng, frames_rng, sound_rng = map(np.random.default_rng, seeds.spawn(3))
    spec = draw_film_spec(spec_rng, clip.seconds)
    spec = replace(
        spec,
        colour=SLOTS["colour"].index(clip.words["colour"]),
        shape=clip.words["shape"],
        # large and upright: networks that see 56 x 56 tell them apart
        radius=0.2 * spec.height + 0.3 * spec.radius,
        angle=0.0,
    )
    parts = clip.parts()
    frames = render_film_frames(spec, parts, frames_rng)
    if clip.silent:
        return spec, frames, None
    # The tone is silent at the ends of its sweep, and there between the glides.
    place = np.zeros(round(spec.duration * spec.sample_rate))
    seconds = np.arange(len(place)) / spec.sample_rate
    for part in parts:
        if GLIDES[part.glide]:
            way = (seconds - part.start) / (part.end - part.start)
            inside = (way >= 0) & (way < 1)
            place[inside] = way[inside] if GLIDES[part.glide] > 0 else 1 - way[inside]
    return spec, frames, render_sound_along(spec, place % 1, sound_rng)


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
