"""Samples that cannot be read: replaced in training, counted in tests."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import chain, zip_longest

from mmaction.registry import HOOKS
from mmengine.dist import all_gather_object, get_world_size
from mmengine.hooks import Hook

from ...datasets.bad_samples import BadDataError, named
from ..runner_parts import built_data_sets

Notes = dict[str, object]
NOTES = ("failure", "replaced", "damage")
GATHER_EVERY = 10  # iterations, with several processes


@HOOKS.register_module()
class BadSampleHook(Hook):
    """Decides for the whole run what happens to samples that cannot be used.

    In training another sample takes the place of a bad one (drawn at random, the same
    one whenever the run is repeated). Each file is logged once, with its path and the
    reason, and the places are counted over all processes. The run stops

    - when ``max_in_a_row`` samples tried for one place are all bad, or all there are;
    - at the end of an epoch, when more than ``max_share`` of the samples so far were
      replaced; within an epoch, when it is more than chance would give, ``m + 4 *
      sqrt(m)`` with ``m = max_share * samples``. So one bad sample among the first two
      stops nothing, half of the first batch of 32 does.

    In validation and testing nothing is dropped. A bad sample is predicted with all
    modalities absent, so every process judges as many samples as without it; the log
    says which, and ``bad_samples`` among the metrics how many.

    Files that are damaged, and used as far as they go, are logged once.

    Args:
        max_share: Largest share of samples that may be replaced, 0 to 1. With 1 any
            number may.
        max_in_a_row: How many samples are tried for one place in training.

    Raises:
        BadDataError: The run stops; says how many of how many, which and why.
    """

    priority = "HIGHEST"  # before RuntimeInfoHook, which logs the metrics

    def __init__(self, max_share: float = 0.1, max_in_a_row: int = 10) -> None:
        if not 0 <= max_share <= 1:
            raise ValueError(f"max_share must lie in 0..1, got {max_share!r}")
        if isinstance(max_in_a_row, bool) or max_in_a_row < 1 or max_in_a_row % 1:
            raise ValueError(
                f"max_in_a_row must be a positive integer, got {max_in_a_row!r}"
            )
        self.max_share = max_share
        self.max_in_a_row = int(max_in_a_row)

    def before_run(self, runner) -> None:
        for dataset in built_data_sets(runner):
            if hasattr(dataset, "tolerate"):
                dataset.tolerate(self.max_in_a_row)
        self.samples = 0  # in training, of all processes
        self.replaced = 0
        self._bad: dict[str, str] = {}  # path: reason
        self._logged: set[tuple[str, str]] = set()  # path, what of it
        self._training: list[Notes] = []  # of this process, not yet counted
        self._judged: list[Notes] = []

    def before_train_iter(self, runner, batch_idx, data_batch=None) -> None:
        self._training += _notes(data_batch)
        if get_world_size() == 1 or self.every_n_inner_iters(batch_idx, GATHER_EVERY):
            self._count(runner)
            expected = self.max_share * self.samples
            self._stop_above(expected + 4 * math.sqrt(expected))

    def after_train_epoch(self, runner) -> None:
        self._count(runner)
        if self.samples >= len(runner.train_loop.dataloader.dataset):
            self._stop_above(self.max_share * self.samples)
        if self.replaced:
            runner.logger.warning(f"{self._summary()} were bad and replaced so far")

    def before_val_epoch(self, runner) -> None:
        self._judged = []

    def before_val_iter(self, runner, batch_idx, data_batch=None) -> None:
        self._judged += _notes(data_batch)

    def after_val_epoch(self, runner, metrics=None) -> None:
        self._report(runner, runner.val_loop.dataloader.dataset, metrics)

    def before_test_epoch(self, runner) -> None:
        self._judged = []

    def before_test_iter(self, runner, batch_idx, data_batch=None) -> None:
        self._judged += _notes(data_batch)

    def after_test_epoch(self, runner, metrics=None) -> None:
        self._report(runner, runner.test_loop.dataloader.dataset, metrics)

    def _count(self, runner) -> None:
        """Adds what all processes have seen; every process calls it as often."""
        for notes in chain(*all_gather_object(self._training)):
            self.samples += 1
            self.replaced += bool(notes.get("replaced"))
            for path, reason in notes.get("replaced", ()):
                self._bad[path] = reason
                self._log(runner, path, reason, "bad sample replaced")
            self._log_damage(runner, notes)
        self._training = []

    def _stop_above(self, allowed: float) -> None:
        if self.replaced > allowed and self.max_share < 1:
            raise BadDataError(
                f"{self._summary()} cannot be used, more than max_share="
                f"{self.max_share:g} (default_hooks.bad_samples):\n"
                + named(list(self._bad.items()))
            )

    def _summary(self) -> str:
        share = self.replaced / self.samples
        return f"{self.replaced} of {self.samples} samples ({share:.1%})"

    def _report(self, runner, dataset, metrics: dict | None) -> None:
        """What was flagged, of the samples that the metrics are computed from."""
        turns = zip_longest(*all_gather_object(self._judged), fillvalue={})
        judged = list(chain(*turns))[: len(dataset)]  # as MMEngine drops the padding
        failed = [notes for notes in judged if "failure" in notes]
        for notes in failed:
            path, reason = notes["filename"], notes["failure"]
            self._log(runner, path, reason, "bad sample predicted without input")
        for notes in judged:
            self._log_damage(runner, notes)
        if failed:
            runner.logger.warning(
                f"{len(failed)} of {len(judged)} samples could not be used: the "
                "metrics count them, predicted with all modalities absent"
            )
        if metrics is not None:
            metrics["bad_samples"] = len(failed)

    def _log_damage(self, runner, notes: Notes) -> None:
        if "damage" in notes:
            damage = "; ".join(notes["damage"])
            self._log(runner, notes["filename"], damage, "damaged file used")

    def _log(self, runner, path: str, reason: str, what: str) -> None:
        if (path, what) not in self._logged:
            self._logged.add((path, what))
            runner.logger.warning(f"{what}: {path}: {reason}")


def _notes(data_batch) -> list[Notes]:
    """What the data set has noted on each sample of a batch, mostly nothing."""
    samples = data_batch["data_samples"] if isinstance(data_batch, Mapping) else ()
    if len(samples) and isinstance(samples[0], (list, tuple)):
        samples = samples[0]  # of the first of several test-time augmentations
    metas = [getattr(sample, "metainfo", {}) for sample in samples]
    return [
        {key: meta[key] for key in ("filename", *NOTES) if key in meta}
        if any(key in meta for key in NOTES)
        else {}
        for meta in metas
    ]
