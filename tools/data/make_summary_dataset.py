"""Makes films of which is known what matters, which no single modality can tell.

    python tools/data/make_summary_dataset.py data/demo_summaries

The object and the tone of the demo's clips, along 20 shots of 3 seconds. What matters
is an object that goes up and a tone that rises; both at once matter more than their
sum. Five users score each shot. What each modality cannot know, and what it can reach
at best, is in ``demo_importance.py``.

The folder holds ``videos`` and ``summaries.json``: of each film its subset
(``training``, ``validation`` or ``test``), duration, the edges of its shots in seconds
and the scores of each user.

Safe to interrupt: a rerun makes what is missing; the annotation is written last.
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
from demo_importance import SCALE, SHARE, SHOTS, Film, bounds, draw_film
from made_dataset import read_flags, run_from_command, video_path
from made_films import make_films, seeds_of, write_film

VERSION = 1  # of the content: raise it whenever the same seed gives other files
SIZES = {"training": 40, "validation": 10, "test": 40}
SHOT_SECONDS = 3
SECONDS = SHOT_SECONDS * len(SHOTS)
ANNOTATION = "summaries.json"


def films_of(seed: int, subset: str, count: int) -> list[Film]:
    """A subset's films; more of them do not change the first ones."""
    rng = np.random.default_rng(seeds_of(seed, subset))
    return [draw_film(rng, SHOT_SECONDS) for _ in range(count)]


def annotation_text(films: dict[str, list[Film]]) -> str:
    """The films' shots and scores, as ``SummaryDataset`` reads them."""
    database = {
        video_path(Path(), subset, index).name: {
            "subset": subset,
            "duration": float(SECONDS),
            "shots": [[part.start, part.end] for part in film.timeline],
            "users": np.round(film.scores, 4).tolist(),
        }
        for subset, some in films.items()
        for index, film in enumerate(some)
    }
    content = {"scale": SCALE, "share": SHARE, "database": database}
    return json.dumps(content, indent=1) + "\n"


def make_dataset(
    out: str | os.PathLike,
    sizes: dict[str, int] = SIZES,
    seed: int = 0,
    workers: int = 1,
    check: bool = False,
) -> dict[str, list[Film]]:
    """Writes what is missing of the data set, as :func:`make_films` does.

    Args:
        sizes: Number of films of each subset.

    Returns:
        The films of each subset.
    """
    films = {name: films_of(seed, name, size) for name, size in sizes.items()}
    timelines = {name: [film.timeline for film in some] for name, some in films.items()}
    texts = {ANNOTATION: annotation_text(films)}
    write = partial(write_film, seconds=SECONDS)
    make_films(
        out, "summary", VERSION, sizes, timelines, write, texts, seed, workers, check
    )
    return films


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bounds", action="store_true", help="print what is reachable")
    args = read_flags(parser, SIZES, "films", arguments)

    def make() -> None:
        make_dataset(args.out, args.sizes, args.seed, args.workers, args.check)
        for name in ("rgb+flow+audio", "rgb", "audio", "none") if args.bounds else ():
            f1, rho = bounds(name)
            print(f"{name}: F1 at most {f1:.3f}, rho at most {rho:.3f}")

    run_from_command("make_summary_dataset", make)


if __name__ == "__main__":
    main()
