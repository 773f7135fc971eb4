"""The config's optimizer settings and schedule in a run that resumes.

MMEngine builds both from the config and then puts the whole state of the checkpoint
over them, settings included: a milestone or a learning rate that was edited in between
counts for nothing. Here the state in the checkpoint is changed before.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence

from mmengine.runner import EpochBasedTrainLoop

from .loops import ResumableTrainLoop, is_place
from .saved_optimizer import other_kind, saved_optimizers
from .schedule_changes import named_places


def keep_config(runner, checkpoint: dict) -> None:
    """Let the config's settings count: change the state in the checkpoint, in place.

    What the optimizer has gathered (momentum) stays the checkpoint's, unless that is an
    optimizer of another kind. The schedulers of the config, as they were built, go
    through as many steps as the run has made.
    """
    schedulers = runner.param_schedulers
    if schedulers is not None:
        flat = [scheduler for _, scheduler in named_places(schedulers)]
        with warnings.catch_warnings():  # torch's, that no optimizer has stepped yet
            warnings.simplefilter("ignore", UserWarning)
            _replay(flat, *_place(runner, checkpoint))
        if isinstance(schedulers, dict):
            states = {
                k: [x.state_dict() for x in ones] for k, ones in schedulers.items()
            }
        else:
            states = [scheduler.state_dict() for scheduler in flat]
        checkpoint["param_schedulers"] = states
    for _, own, saved in saved_optimizers(runner, checkpoint):
        if other_kind(own, saved):
            saved["state"] = {}
        state = own.state_dict()
        saved["param_groups"] = [
            {**group, "params": before["params"]}
            for group, before in zip(state["param_groups"], saved["param_groups"])
        ]
        if "base_param_settings" in saved:  # what the schedulers set beside the groups
            saved["base_param_settings"] = state.get("base_param_settings")


def _place(runner, checkpoint: Mapping) -> tuple[int, int, int]:
    """Epochs and iterations that the run has made, and iterations in an epoch.

    Where the loop has noted its place, iterations are counted as they would be with
    the batch size and the number of processes of today.
    """
    epochs, iterations = (checkpoint["meta"][key] for key in ("epoch", "iter"))
    loop = runner.train_loop
    if not isinstance(loop, EpochBasedTrainLoop):
        return epochs, iterations, 0
    length = len(loop.dataloader)
    place = checkpoint["message_hub"]["runtime_info"].get(ResumableTrainLoop.STATE)
    if isinstance(loop, ResumableTrainLoop) and is_place(place):
        done = place["batches"] if place["epoch"] == epochs else 0
        batch_size = getattr(loop.dataloader.batch_sampler, "batch_size", None) or 1
        seen = done * (place["batch_size"] or 1) * place["processes"]
        iterations = epochs * length + seen // (batch_size * runner.world_size)
    return epochs, iterations, length


def _replay(schedulers: Sequence, epochs: int, iterations: int, length: int) -> None:
    """Step schedulers as MMEngine's ``ParamSchedulerHook`` does in training."""
    # one that follows a metric starts anew: what it followed is not known
    by_epoch = [x for x in schedulers if x.by_epoch and not _follows_metric(x)]
    by_iteration = [x for x in schedulers if not x.by_epoch]
    done = 0
    for iteration in range(iterations):
        for scheduler in by_iteration:
            scheduler.step()
        if length and (iteration + 1) % length == 0 and done < epochs:
            done += 1
            for scheduler in by_epoch:
                scheduler.step()
    for _ in range(epochs - done):
        for scheduler in by_epoch:
            scheduler.step()


def _follows_metric(scheduler) -> bool:
    return getattr(scheduler, "need_val_args", False)
