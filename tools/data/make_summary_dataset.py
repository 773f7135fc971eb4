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
from demo_timeline import draw_film_spec, render_film_frames, render_film_sound
from made_dataset import make_missing, run_from_command

VERSION = 1  # of the content: raise it whenever the same seed gives other files
SUBSETS = {"training": 40, "validation": 10, "test": 40}
SHOT_SECONDS = 3
ANNOTATION = "summaries.json"


def films_of(seed: int, subset: str, count: int) -> list[Film]:
    """A subset's films; more of them do not change the first ones."""
    rng = np.random.default_rng(_seeds(seed, subset))
    return [draw_film(rng, SHOT_SECONDS) for _ in range(count)]


def video_path(out: Path, subset: str, index: int) -> Path:
    """Where a film is; the name is its id."""
    return Path(out) / "videos" / f"{subset}_{index:04d}.mp4"


def write_video(job: tuple[str, int, Film], out: Path, seed: int) -> None:
    """Renders and encodes one film; the file appears only when it is whole."""
    from mmstconv.media import SoundCoding, VideoCoding, write_media

    subset, index, film = job
    seeds = _seeds(seed, subset, index).spawn(3)
    spec_rng, frames_rng, sound_rng = map(np.random.default_rng, seeds)
    spec = draw_film_spec(spec_rng, SHOT_SECONDS * len(SHOTS))
    write_media(
        video_path(out, subset, index),
        render_film_frames(spec, film.timeline, frames_rng),
        spec.fps,
        render_film_sound(spec, film.timeline, sound_rng),
        spec.sample_rate,
        video=VideoCoding(options={"preset": "ultrafast", "crf": "23"}),
        sound=SoundCoding(codec="alac"),  # several times as quick as AAC
        record=out,
    )


def annotation_text(films: dict[str, list[Film]]) -> str:
    """The films' shots and scores, as ``SummaryDataset`` reads them."""
    database = {
        video_path(Path(), subset, index).name: {
            "subset": subset,
            "duration": float(SHOT_SECONDS * len(SHOTS)),
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
    sizes: dict[str, int] = SUBSETS,
    seed: int = 0,
    workers: int = 1,
    check: bool = False,
) -> dict[str, list[Film]]:
    """Writes what is missing of the data set; silent when that is nothing.

    Args:
        out: Folder of the data set.
        sizes: Number of films of each subset.
        seed: Of all that is drawn.
        workers: Processes.
        check: Write nothing, raise if anything is missing.

    Returns:
        The films of each subset.

    Raises:
        ValueError: If ``out`` holds something else, or a data set of other parameters.
        ForeignFile: If a file is in the way that was not written here.
        FolderInUse: If another process is making the data set.
        FileNotFoundError: If ``check`` and the data set is not complete.
    """
    out = Path(out)
    films = {name: films_of(seed, name, size) for name, size in sizes.items()}
    make_missing(
        out,
        "summary",
        {"version": VERSION, "seed": seed, "sizes": sizes},
        {
            video_path(out, subset, index): (subset, index, film)
            for subset, some in films.items()
            for index, film in enumerate(some)
        },
        {ANNOTATION: annotation_text(films)},
        partial(write_video, out=out, seed=seed),
        workers,
        check,
    )
    return films


def _seeds(seed: int, subset: str, *index: int) -> np.random.SeedSequence:
    return np.random.SeedSequence(seed, spawn_key=(list(SUBSETS).index(subset), *index))


def main(arguments: list[str] | None = None) -> None:
    from mmstconv.disk import local_path, print_any_name

    print_any_name()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=local_path, help="folder of the data set")
    for subset, size in SUBSETS.items():
        parser.add_argument(f"--{subset}", type=int, default=size, help="films")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2, help="processes")
    parser.add_argument("--check", action="store_true", help="only see if all is there")
    parser.add_argument("--bounds", action="store_true", help="print what is reachable")
    args = parser.parse_args(arguments)
    sizes = {subset: getattr(args, subset) for subset in SUBSETS}
    if min(*sizes.values(), args.seed) < 0:
        parser.error("sizes and seed must not be negative")

    def make() -> None:
        make_dataset(args.out, sizes, args.seed, args.workers, args.check)
        for name in ("rgb+flow+audio", "rgb", "audio", "none") if args.bounds else ():
            f1, rho = bounds(name)
            print(f"{name}: F1 at most {f1:.3f}, rho at most {rho:.3f}")

    run_from_command("make_summary_dataset", make)


if __name__ == "__main__":
    main()
