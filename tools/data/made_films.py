"""A data set of long generated videos, whatever is annotated in them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from demo_timeline import Part, draw_film_spec, render_film_frames, render_film_sound
from made_dataset import SUBSETS, make_missing, video_path


def seeds_of(seed: int, subset: str, *index: int) -> np.random.SeedSequence:
    """Of a subset, or of one of its videos."""
    return np.random.SeedSequence(seed, spawn_key=(SUBSETS.index(subset), *index))


def make_films(
    out: str | os.PathLike,
    name: str,
    version: int,
    timelines: Mapping[str, Sequence[Sequence[Part]]],
    seconds: float,
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
        timelines: Of the videos of each subset.
        seconds: Of each video.
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
    sizes = {subset: len(some) for subset, some in timelines.items()}
    make_missing(
        out,
        name,
        {"version": version, "seed": seed, "sizes": sizes},
        {
            video_path(out, subset, index): (subset, index, timeline)
            for subset, some in timelines.items()
            for index, timeline in enumerate(some)
        },
        texts,
        partial(write_film, out=out, seconds=seconds, seed=seed),
        workers,
        check,
    )


def write_film(
    job: tuple[str, int, Sequence[Part]], out: Path, seconds: float, seed: int
) -> None:
    """Renders and encodes one video; the file appears only when it is whole."""
    from mmstconv.media import SoundCoding, VideoCoding, write_media

    subset, index, timeline = job
    seeds = seeds_of(seed, subset, index).spawn(3)
    spec_rng, frames_rng, sound_rng = map(np.random.default_rng, seeds)
    spec = draw_film_spec(spec_rng, seconds)
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
