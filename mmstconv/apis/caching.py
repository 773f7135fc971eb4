"""Film steps of many videos into a folder; what is there is not computed again."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence

from torch import nn

from ..datasets import FilmCache
from ..datasets.bad_samples import is_of_the_sample, reason_of
from ..datasets.film_cache import stamp_of
from ..disk import FolderLock, remove_unfinished
from ..engine.film_caches import cache_key
from .film_steps import extract_film_steps, step_layout


def cache_film_steps(
    model: nn.Module,
    films: Sequence[str | os.PathLike],
    folder: str | os.PathLike,
    hop: int | None = None,
    *,
    pipeline: Sequence[Mapping] | None = None,
    command: str = "",
    part: str = "",
    progress: Callable[[int, int], None] = lambda done, total: None,
    warn: Callable[[str], None] = lambda text: None,
) -> dict[str, str]:
    """Writes the steps of videos for ``LoadFilmSteps``.

    Each file is whole or not there, so it can be ended at any time; called again it
    makes what is missing, and what was made of other weights, another pipeline, another
    hop or another content of the video.

    Args:
        model: Of :func:`load_recognizer`.
        films: The video files.
        folder: Made if it is not there.
        hop: As of :func:`film_steps`.
        pipeline: Instead of the config's ``test_pipeline``.
        command: That renews the cache, for messages.
        part: Of several jobs that fill the cache at a time, which this is.
        progress: Told how many videos are done, and of how many.
        warn: Told what cannot be done here.

    Returns:
        ``{video: reason}`` of those that cannot be read.

    Raises:
        ValueError: ``hop`` or the pipeline does not fit the model.
        FolderInUse: Another process writes there.
        ForeignFile: A file is in the way that was not written here.
    """
    pipeline = model.cfg.test_pipeline if pipeline is None else pipeline
    layout = step_layout(model, pipeline)
    hop = layout.checked_hop(hop)
    advice = "Wait for it or end it"
    lock = FolderLock(folder, "a caching of film steps", advice, warn, part=part)
    try:
        remove_unfinished(folder)
        cache = FilmCache(folder)
        widths = model.joint.in_channels
        cache.begin(cache_key(model, pipeline, hop), widths, command)
        unusable = {}
        for number, film in enumerate(films):
            progress(number, len(films))
            try:
                if cache.problem(film) is None:
                    continue
                stamp = stamp_of(film)
            except OSError as error:
                unusable[os.fspath(film)] = error.strerror or str(error)
                continue
            try:
                steps = extract_film_steps(
                    model, film, hop, pipeline=pipeline, layout=layout
                )
            except Exception as error:
                if not is_of_the_sample(error):
                    raise
                unusable[os.fspath(film)] = reason_of(error, os.fspath(film))
                cache.save_unusable(film, unusable[os.fspath(film)], stamp)
            else:
                cache.save(film, steps, stamp)
        progress(len(films), len(films))
        return unusable
    finally:
        lock.release()
