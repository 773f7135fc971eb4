"""Processor time that a training has taken, and what it had reached by then."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from mmengine.hooks import Hook

from mmstconv.evaluation.outcomes import full_subset, members

GOAL = 0.75  # accuracy with sound taken away from every clip
SUBSETS, STREAM = "modality/acc/", "stream_"  # of ModalityMetric


def cpu_seconds() -> float:
    """User and system time of this process and of all its children, also ended ones.

    Children that still run are read from ``/proc``; where there is none, they count
    when they have ended.
    """
    running = multiprocessing.active_children()  # waits for those that have ended
    total = sum(os.times()[:4])
    for process in running:
        with suppress(FileNotFoundError, ProcessLookupError):
            stat = Path(f"/proc/{process.pid}/stat").read_text()
            fields = stat.rpartition(")")[2].split()  # from the third of proc(5) on
            total += sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    return total


def accuracies(metrics: Mapping[str, float]) -> dict:
    """What a validation has found, in the words of the tables.

    Args:
        metrics: Of ``GatheredAccMetric``, ``SoundingAccuracy`` and, for a recognizer of
            streams, ``ModalityMetric``.

    Returns:
        ``as_is``; ``without_sound``: sound taken away from every clip (None if nothing
        is left); ``sounding`` and ``sounding_without_sound``: of the clips that have
        sound (None if none has); ``subsets`` and ``streams``. All from 0 to 1.
    """
    found = {
        name.removeprefix(SUBSETS): float(value)
        for name, value in metrics.items()
        if name.startswith(SUBSETS)
    }
    streams = {name: found.pop(name) for name in list(found) if STREAM in name}
    as_is, sounding = float(metrics["acc/top1"]), metrics.get("clips/sounding")
    without_sound, sounding_without = as_is, sounding
    whole = members(full_subset(found)) if found else ()
    if "audio" in whole:
        left = [name for name in whole if name != "audio"]
        without_sound = found["+".join(left)] if left else None
        # where every clip has sound, these are all
        sounding_without = metrics.get("modality/acc_taken_away/audio", without_sound)
    return dict(
        as_is=as_is,
        without_sound=without_sound,
        sounding=sounding,
        sounding_without_sound=None if sounding is None else sounding_without,
        subsets=found,
        streams={name.removeprefix(STREAM): streams[name] for name in streams},
    )


class Stopwatch(Hook):
    """Counts the processor time of the training, without that of validations.

    The count goes into each checkpoint: a run that is resumed goes on with it, and what
    was lost with the interrupted one does not count.

    Args:
        report: Is called after each validation, with ``history``.

    Attributes:
        history: Of each validation ``epoch``, ``cpu_minutes`` of training before it,
            and what :func:`accuracies` returns.
    """

    priority = "LOWEST"

    def __init__(self, report: Callable[[list[dict]], None]) -> None:
        self.history: list[dict] = []
        self._report = report
        self._seconds, self._since = 0.0, cpu_seconds()

    @property
    def seconds(self) -> float:
        """Of training so far."""
        return self._seconds + (cpu_seconds() - self._since)

    def before_train(self, runner) -> None:
        self._since = cpu_seconds()

    def before_val(self, runner) -> None:
        self._seconds = self.seconds

    def after_val_epoch(self, runner, metrics: Mapping | None = None) -> None:
        minutes = self._seconds / 60
        one = dict(epoch=runner.epoch, cpu_minutes=minutes, **accuracies(metrics))
        self.history.append(one)
        self._report(self.history)

    def after_val(self, runner) -> None:
        self._since = cpu_seconds()

    def before_save_checkpoint(self, runner, checkpoint: dict) -> None:
        checkpoint["stopwatch"] = dict(seconds=self.seconds, history=self.history)

    def after_load_checkpoint(self, runner, checkpoint: dict) -> None:
        saved = checkpoint.get("stopwatch", {})
        self._seconds = saved.get("seconds", 0.0)
        self.history[:] = saved.get("history", [])


def minutes_to(goal: float, history: list[dict]) -> float | None:
    """Processor time until the accuracy without sound was first at ``goal``."""
    reached = (one for one in history if (one["without_sound"] or 0) >= goal)
    return next((one["cpu_minutes"] for one in reached), None)


class StepTimer(Hook):
    """Processor time of a step, of those after the first few.

    Args:
        skip: Steps that are not counted: kernels are built and loaders start.
    """

    def __init__(self, skip: int = 2) -> None:
        self._skip, self._start = skip, 0.0
        self.seconds_a_step = 0.0

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        done = runner.iter + 1 - self._skip
        if done <= 0:
            self._start = cpu_seconds()
        else:
            self.seconds_a_step = (cpu_seconds() - self._start) / done
