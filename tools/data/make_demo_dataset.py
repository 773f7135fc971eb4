"""Makes the embedded data set: small videos whose classes no single modality can tell.

    python tools/data/make_demo_dataset.py data/demo

A soft-edged object moves over a still background while a tone glides. The 8 classes
are 2 colours x 2 directions of motion x 2 glides; all the rest is drawn independently
of the class. By construction

* colour is only in the RGB frames: warm and cool have the same luma and opposite
  chroma, and nothing in the picture leaves the RGB gamut, so no grey image tells them;
* motion is only in the order of the frames: it is vertical (training flips
  horizontally), wraps around, and starts anywhere;
* the glide is only in the order of the sound: a falling sound is a rising one played
  backwards, sweeps repeat so that every window of 0.8 s holds more than one, and the
  first may start anywhere in its sweep.

In val and test, eight files in a row are siblings: they share every nuisance and differ
in the class alone. A model that cannot know a factor then answers siblings alike, and
its accuracy is what it knows, not that plus the luck of its guesses.

The same files with several labels each, or none, are in ``train_attributes.txt`` and so
on: whether the object is cool, goes down, and its sound falls.

Safe to interrupt: a rerun makes what is missing; the annotations are written last.
Nothing is written over that this tool did not write, or that was changed since.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from demo_pictures import render_frames
from demo_sound import render_sound
from demo_spec import Spec, draw_spec
from made_dataset import make_missing, read_flags, run_from_command

VERSION = 2  # of the content: raise it whenever the same seed gives other files
FACTORS = {
    "colour": ("warm", "cool"),
    "motion": ("up", "down"),
    "glide": ("rising", "falling"),
}
CLASSES = ["_".join(names) for names in product(*FACTORS.values())]
ATTRIBUTES = [second for _, second in FACTORS.values()]  # a clip has each or not
SIBLINGS = {"train": 1, "val": 8, "test": 8}
SPLITS = tuple(SIBLINGS)
SIZES = dict(zip(SPLITS, (320, 80, 320)))


def draw_labels(seed: int, split: str, size: int) -> np.ndarray:
    """Labels: all classes in each eight, in random order."""
    rng = np.random.default_rng(_seeds(seed, split))
    eights = [rng.permutation(len(CLASSES)) for _ in range(0, size, len(CLASSES))]
    return np.concatenate([*eights, []]).astype(int)[:size]


def clip_rngs(seed: int, split: str, index: int) -> list[np.random.Generator]:
    """Streams for a clip's spec, pictures and sound; the same for its siblings."""
    seeds = _seeds(seed, split, index // SIBLINGS[split])
    return [np.random.default_rng(s) for s in seeds.spawn(3)]


def _seeds(seed: int, split: str, *index: int) -> np.random.SeedSequence:
    return np.random.SeedSequence(seed, spawn_key=(SPLITS.index(split), *index))


DrawSpec = Callable[[np.random.Generator, int], Spec]


def write_clip(
    job: tuple[str, int, int], out: Path, seed: int, draw: DrawSpec = draw_spec
) -> None:
    """Renders and encodes one clip; the file appears only when it is whole."""
    from mmstconv.media import VideoCoding, write_media

    split, index, label = job
    spec_rng, frames_rng, sound_rng = clip_rngs(seed, split, index)
    spec = draw(spec_rng, label)
    write_media(
        clip_path(out, split, index),
        render_frames(spec, frames_rng),
        spec.fps,
        render_sound(spec, sound_rng),
        spec.sample_rate,
        video=VideoCoding(options={"preset": "ultrafast", "crf": "23"}),
        record=out,
    )


def clip_path(out: Path, split: str, index: int) -> Path:
    return Path(out) / split / f"{index:05d}.mp4"


def attributes_of(label: int) -> list[str]:
    """The numbers of the attributes that a class has."""
    parts = CLASSES[label].split("_")
    return [str(k) for k, name in enumerate(ATTRIBUTES) if name in parts]


def annotation_texts(labels: dict[str, np.ndarray]) -> dict[str, str]:
    """What the lists hold, by file name: one class a file, and several attributes."""
    texts = {}
    for split in SPLITS:
        rows = [(f"{index:05d}.mp4", row) for index, row in enumerate(labels[split])]
        texts[f"{split}.txt"] = "".join(f"{name} {label}\n" for name, label in rows)
        texts[f"{split}_attributes.txt"] = "".join(
            " ".join([name, *attributes_of(label)]) + "\n" for name, label in rows
        )
    texts["classes.txt"] = "\n".join(CLASSES) + "\n"
    texts["attributes.txt"] = "\n".join(ATTRIBUTES) + "\n"
    return texts


def make_dataset(
    out: str | os.PathLike,
    sizes: dict[str, int],
    seed: int = 0,
    workers: int = 1,
    check: bool = False,
    draw: DrawSpec = draw_spec,
) -> None:
    """Writes what is missing of the data set; silent when that is nothing.

    Args:
        out: Folder of the data set.
        sizes: Number of clips of each split.
        seed: Of all that is drawn.
        workers: Processes.
        check: Write nothing, raise if anything is missing.
        draw: Draws a clip's spec; picklable.

    Raises:
        ValueError: If ``out`` holds something else, or a data set of other parameters.
        ForeignFile: If a file is in the way that was not written here.
        FolderInUse: If another process is making the data set.
        FileNotFoundError: If ``check`` and the data set is not complete.
    """
    out = Path(out)
    labels = {split: draw_labels(seed, split, sizes[split]) for split in SPLITS}
    make_missing(
        out,
        "demo",
        {"version": VERSION, "seed": seed, "sizes": sizes, "spec": draw.__name__},
        {
            clip_path(out, split, index): (split, index, int(label))
            for split in SPLITS
            for index, label in enumerate(labels[split])
        },
        annotation_texts(labels),
        partial(write_clip, out=out, seed=seed, draw=draw),
        workers,
        check,
    )


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    args = read_flags(parser, SIZES, "clips", arguments)
    run_from_command(
        "make_demo_dataset",
        lambda: make_dataset(args.out, args.sizes, args.seed, args.workers, args.check),
    )


if __name__ == "__main__":
    main()
