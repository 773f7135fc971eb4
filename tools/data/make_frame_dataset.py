"""Makes short films whose future frames only the sound tells.

    python tools/data/make_frame_dataset.py data/frames

A digit of scikit-learn's, enlarged and coloured, moves in an arc through 16 frames of
64 x 64 pixels at 8 frames a second. In the 11th frame, two after the eight
that are seen, it has turned left or right by a quarter; a glide heard during the seen
ones says which.
What a forecast without sound reaches at best is in ``demo_turns.py``.

The folder holds ``videos``, the lists ``training.txt``, ``validation.txt`` and
``test.txt``, and ``futures.json`` with the turn and the bound of each film. Films of
validation and test come in pairs that differ in the turn and the glide alone, so that
a silent forecast meets both futures. Digits of these are not trained with.

Pictures are kept without loss (H.264 in RGB, crf 0) and so is the sound (ALAC): else
the bound would be one of other pictures, and what the codec makes of a future could
tell itself in the frames before.

Safe to interrupt: a rerun makes what is missing; the annotations are written last.
Nothing is written over that this tool did not write, or that was changed since.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from demo_turns import (
    FPS,
    SAMPLE_RATE,
    Turn,
    bound_of,
    draw_turn,
    render_frames,
    render_sound,
)
from made_dataset import read_flags, run_from_command, video_path
from made_films import make_films, seeds_of

VERSION = 1  # of the content: raise it whenever the same seed gives other files
SIZES = {"training": 1000, "validation": 20, "test": 100}
FUTURES = "futures.json"
PAIRED = ("validation", "test")


def films_of(seed: int, subset: str, count: int) -> list[Turn]:
    """The films of a subset; more films do not change the first ones."""
    paired = subset in PAIRED
    films: list[Turn] = []
    index = 0
    while len(films) < count:
        rng = np.random.default_rng(seeds_of(seed, subset, index))
        film = draw_turn(rng, held_out=paired)
        films += [film, film.other] if paired else [film]
        index += 1
    return films[:count]


def write_film(job: tuple[str, int, Turn], out: Path, seed: int) -> None:
    """Renders and encodes one film; the file appears only when it is whole."""
    from mmstconv.media import SoundCoding, VideoCoding, write_media

    subset, index, film = job
    # films of a pair share phases and noise
    drawn = index // 2 if subset in PAIRED else index
    rng = np.random.default_rng(seeds_of(seed, subset, drawn, 1))
    write_media(
        video_path(out, subset, index),
        render_frames(film),
        FPS,
        render_sound(film, rng),
        SAMPLE_RATE,
        video=VideoCoding(
            codec="libx264rgb",
            options={"preset": "ultrafast", "crf": "0"},
            pix_fmt="rgb24",
        ),
        sound=SoundCoding(codec="alac"),
        record=out,
    )


def texts_of(films: dict[str, list[Turn]]) -> dict[str, str]:
    """Lists and futures, by file name."""
    texts, futures = {}, {}
    for subset, some in films.items():
        names = [video_path(Path(), subset, k).name for k in range(len(some))]
        texts[f"{subset}.txt"] = "".join(f"{name}\n" for name in names)
        for name, film in zip(names, some):
            bound = [round(value, 4) for value in bound_of(film).tolist()]
            futures[Path(name).stem] = dict(turn=film.turn, bound=bound)
    texts[FUTURES] = json.dumps(futures, indent=1) + "\n"
    return texts


def make_dataset(
    out: str | os.PathLike,
    sizes: dict[str, int] = SIZES,
    seed: int = 0,
    workers: int = 1,
    check: bool = False,
) -> dict[str, list[Turn]]:
    """Writes what is missing of the data set, as :func:`make_films` does.

    Args:
        sizes: Number of films of each subset; even where they come in pairs.

    Returns:
        The films of each subset.

    Raises:
        ValueError: An odd number of films is asked for where they come in pairs.
    """
    for subset in PAIRED:
        if sizes.get(subset, 0) % 2:
            raise ValueError(f"{subset}: films come in pairs, got {sizes[subset]}")
    films = {name: films_of(seed, name, size) for name, size in sizes.items()}
    texts = texts_of(films)
    make_films(
        out, "frame", VERSION, sizes, films, write_film, texts, seed, workers, check
    )
    return films


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    args = read_flags(parser, SIZES, "films", arguments)

    def make() -> None:
        make_dataset(args.out, args.sizes, args.seed, args.workers, args.check)

    run_from_command("make_frame_dataset", make)


if __name__ == "__main__":
    main()
