"""A data set of generated videos, whatever is annotated in them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from demo_spec import Spec
from demo_timeline import Part, draw_film_spec, render_film_frames, render_film_sound
from made_dataset import SUBSETS, make_missing, video_path

SEEN = "seen"  # short clips beside the videos of the subsets


def seeds_of(seed: int, subset: str, *index: int) -> np.random.SeedSequence:
    """Of a subset, or of one of its videos."""
    place = [*SUBSETS, SEEN].index(subset)
    return np.random.SeedSequence(seed, spawn_key=(place, *index))


def make_films(
    out: str | os.PathLike,
    name: str,
    version: int,
    sizes: Mapping[str, int],
    films: Mapping[str, Sequence],
    write: Callable[..., None],
    texts: Mapping[str, str],
    seed: int = 0,
    workers: int = 1,
    check: bool = False,
) -> None:
    """Writes what is missing of the data set; silent when that is nothing.

    Args:
        out: Folder of the data set.
        name: Of the data set, in messages.
        version: Of the content.
        sizes: What was asked for of each subset.
        films: What is decided of the videos of each subset.
        write: Writes one: called with its subset, number there and film, as a tuple,
            with ``out`` and ``seed``; picklable.
        texts: Content of the annotations, by file name.
        seed: Of all that is drawn.
        workers: Processes.
        check: Write nothing, raise if anything is missing.

    Raises:
        ValueError: If ``out`` holds something else, or a data set of other parameters.
        ForeignFile: If a file is in the way that was not written here.
        FolderInUse: If another process is making the data set.
        FileNotFoundError: If ``check`` and the data set is not complete.
    """
    out = Path(out)
    make_missing(
        out,
        name,
        {"version": version, "seed": seed, "sizes": dict(sizes)},
        {
            video_path(out, subset, index): (subset, index, film)
            for subset, some in films.items()
            for index, film in enumerate(some)
        },
        texts,
        partial(write, out=out, seed=seed),
        workers,
        check,
    )


def write_film(
    job: tuple[str, int, Sequence[Part]], out: Path, seed: int, seconds: float
) -> None:
    """Renders and encodes a timeline of parts."""
    subset, index, timeline = job
    seeds = seeds_of(seed, subset, index).spawn(3)
    spec_rng, frames_rng, sound_rng = map(np.random.default_rng, seeds)
    spec = draw_film_spec(spec_rng, seconds)
    frames = render_film_frames(spec, timeline, frames_rng)
    sound = render_film_sound(spec, timeline, sound_rng)
    encode_film(video_path(out, subset, index), spec, frames, sound, out)


def encode_film(
    path: Path,
    spec: Spec,
    frames: Iterable[np.ndarray],
    sound: np.ndarray | None,
    record: Path,
) -> None:
    """Encodes one video; the file appears only when it is whole.

    Args:
        path: Of the file.
        spec: Says its rates.
        frames: uint8 ``(H, W, 3)``.
        sound: ``(samples,)``; None: it has no sound track.
        record: Folder of the data set.
    """
    from mmstconv.media import SoundCoding, VideoCoding, write_media

    write_media(
        path,
        frames,
        spec.fps,
        sound,
        spec.sample_rate,
        video=VideoCoding(options={"preset": "ultrafast", "crf": "23"}),
        sound=SoundCoding(codec="alac"),  # several times as quick as AAC
        record=record,
    )
