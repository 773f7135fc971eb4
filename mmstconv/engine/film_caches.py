"""Are cached steps those of the model and the pipeline at hand?"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence

from torch import nn

from ..checkpoints.stream_digest import stream_digest
from ..datasets import FilmCache, FilmStepsError, LoadFilmSteps
from ..datasets.transforms.roles import steps_of
from ..private_names import checkpoint_of
from .runner_parts import leaves, unwrap

WHAT = dict(streams="weights of the streams", pipeline="test_pipeline of clips")


def cache_key(model: nn.Module, pipeline: Sequence[Mapping], hop: int) -> dict:
    """All that the steps of a video depend on, but for the video.

    Args:
        model: A ``TriModalRecognizer``.
        pipeline: Of clips.
        hop: Frames from one window to the next.
    """
    text = json.dumps([dict(step) for step in pipeline], sort_keys=True, default=str)
    digest = hashlib.sha256(text.encode()).hexdigest()[:32]
    return dict(streams=stream_digest(model), pipeline=digest, hop=hop)


def check_film_caches(runner, dataset: object) -> None:
    """Raise unless the cached steps of a data set are those of the runner's model.

    Raises:
        FilmStepsError: They are of other weights or another pipeline; names the command
            that renews them.
    """
    found = [
        step.cache
        for part in leaves(dataset)
        for step in steps_of(part)
        if isinstance(step, LoadFilmSteps)
    ]
    caches = {cache.folder: cache for cache in found}
    model = unwrap(runner.model)
    if not caches or not getattr(model, "cached_steps", False):
        return  # a model that is built for clips refuses them itself
    key = cache_key(model, runner.cfg.get("test_pipeline") or (), 0)
    for cache in caches.values():
        _check(cache, key, runner)


def _check(cache: FilmCache, key: Mapping, runner) -> None:
    made = cache.manifest["key"]
    other = [what for name, what in WHAT.items() if made.get(name) != key[name]]
    if not other:
        return
    config, weights = runner.cfg.filename, checkpoint_of(runner)
    command = (
        f"python -m mmstconv cache-steps {config or 'CONFIG'} "
        f"{weights or 'CHECKPOINT'} --out {cache.folder}"
    )
    raise FilmStepsError(
        f"{cache.folder} has steps of other {' and another '.join(other)} than this "
        f"run: renew them with\n  {command}"
        + ("" if weights else "\nand start from that checkpoint (load_from)")
    )
