"""Optimizer and schedule of a run that resumes: the checkpoint's and the config's.

MMEngine builds both from the config and then puts the whole state of the checkpoint
over them, settings included: a milestone or a learning rate that was edited in between
counts for nothing.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence

from mmengine.optim import OptimWrapper
from mmengine.runner import EpochBasedTrainLoop

from ..checkpoints.reading import CheckpointError
from ..private_names import checkpoint_of
from .loops import ResumableTrainLoop, is_place
from .runner_parts import checkpoint_hook

# What a scheduler's state says about the place of the run, not about the schedule.
_PROGRESS = {
    "last_step",
    "verbose",
    "best",
    "num_bad_epochs",
    "cooldown_counter",
    "rule_worse",
}
_OPTIMIZER = "optim_wrapper.optimizer"
# Sets what the optimizer says already, or follows from begin, end and T_max.
_DERIVED = {"base_values", "total_iters"}
_LOSS_SCALE = ("growth_factor", "backoff_factor", "growth_interval")


def overridden(runner, checkpoint: Mapping) -> list[str]:
    """Settings of the config that the checkpoint overrides, one line each.

    Raises:
        CheckpointError: The optimizer's state is not that of the config's optimizer.
    """
    found: dict[str, None] = {}  # in order, each once
    for name, own, saved in _optimizers(runner, checkpoint):
        for line in _compare_optimizer(name, own, saved):
            found[line] = None
    lengths = {runner.max_epochs: "max_epochs", runner.max_iters: "max_iters"}
    for name, own, saved in _schedulers(runner, checkpoint):
        for line in _compare_scheduler(name, own, saved, lengths):
            found[line] = None
    return list(found)


def check_kind(runner, checkpoint: Mapping) -> None:
    """Check that the config's optimizer can go on from the checkpoint's state.

    Raises:
        CheckpointError: It is of another kind.
    """
    for _, own, saved in _optimizers(runner, checkpoint):
        if other_kind := _other_kind(own, saved):
            raise CheckpointError(
                f"{checkpoint_of(runner)}: {other_kind}; to go on from its weights "
                "with a new optimizer: --cfg-options "
                "default_hooks.consistency.new_schedule=True"
            )


def check_saved_by(runner, checkpoint: Mapping) -> None:
    """Check that the state of optimizer and schedule is there, if it was to be saved.

    Raises:
        CheckpointError: It is not; names what is missing.
    """
    hook = checkpoint_hook(runner)
    for entry, built, option in (
        ("optimizer", runner.optim_wrapper, "save_optimizer"),
        ("param_schedulers", runner.param_schedulers, "save_param_scheduler"),
    ):
        if entry in checkpoint or not built or not getattr(hook, option, True):
            continue
        raise CheckpointError(
            f"{checkpoint_of(runner)}: cannot be resumed from, it has no {entry}; to "
            "start training from its weights, set load_from without --resume; to go on "
            f"all the same, with a new one, default_hooks.checkpoint.{option}=False"
        )


def keep_config(runner, checkpoint: dict) -> None:
    """Let the config's settings count: change the state in the checkpoint, in place.

    What the optimizer has gathered (momentum) stays the checkpoint's, but if it is one
    of another kind. The schedulers
    of the config, as they were built, go through as many steps as the run has made.
    """
    schedulers = runner.param_schedulers
    if schedulers is not None:
        flat = [scheduler for _, scheduler in _named(schedulers)]
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
    for _, own, saved in _optimizers(runner, checkpoint):
        if _other_kind(own, saved):
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


def _optimizers(
    runner, checkpoint: Mapping
) -> Iterator[tuple[str, OptimWrapper, Mapping]]:
    """Name in the config, optimizer and saved state; of each if there are several."""
    saved = checkpoint.get("optimizer")
    wrapper = runner.optim_wrapper
    if saved is None:
        return
    if isinstance(wrapper, OptimWrapper):
        yield _OPTIMIZER, wrapper, _checked(runner, "optimizer", wrapper, saved)
        return
    for name, own in wrapper.items():
        state = _checked(runner, f"optimizer.{name}", own, saved.get(name))
        yield f"optim_wrapper.{name}.optimizer", own, state


def _checked(runner, entry: str, own: OptimWrapper, saved) -> Mapping:
    """The saved state of an optimizer, if it is one of the same parameters."""
    groups = saved.get("param_groups") if isinstance(saved, Mapping) else None
    state = saved.get("state") if isinstance(saved, Mapping) else None
    whole = (
        isinstance(groups, list)
        and isinstance(state, Mapping)
        and all(
            isinstance(group, Mapping) and isinstance(group.get("params"), list)
            for group in groups
        )
    )
    if not whole:
        raise CheckpointError(
            f"{checkpoint_of(runner)}: its entry {entry} is no state of an optimizer"
        )
    sizes = [len(group["params"]) for group in groups]
    wanted = [len(group["params"]) for group in own.optimizer.param_groups]
    if sizes != wanted:
        raise CheckpointError(
            f"{checkpoint_of(runner)}: its entry {entry} has groups of {sizes} "
            f"parameters, the config's optimizer {wanted}; go on with the config it "
            "was trained with, or start from its weights with load_from and without "
            "--resume"
        )
    return saved


def _other_kind(own: OptimWrapper, saved: Mapping) -> str | None:
    """What the saved state lacks to be one of the config's optimizer."""
    pairs = zip(own.optimizer.param_groups, saved["param_groups"])
    for group, before in pairs:
        lacking = sorted(group.keys() - before.keys() - {"initial_lr"})
        if lacking:
            return (
                f"the checkpoint is of an optimizer without {lacking[0]}, not of "
                f"{type(own.optimizer).__name__}"
            )
    return None


def _compare_optimizer(name: str, own: OptimWrapper, saved: Mapping) -> Iterator[str]:
    for group, before in zip(own.optimizer.param_groups, saved["param_groups"]):
        if other_kind := _other_kind(own, saved):
            yield f"{name}: {other_kind}"
            return
        # "lr" follows the schedule; where it began is "initial_lr"
        began, own_lr = (x.get("initial_lr", x.get("lr")) for x in (before, group))
        if not _same(own_lr, began):
            yield _line(f"{name}.lr", began, own_lr)
        for key in sorted(group.keys() - {"params", "lr", "initial_lr"}):
            if not _same(group[key], before[key]):
                yield _line(f"{name}.{key}", before[key], group[key])
    scaler = getattr(own, "loss_scaler", None)
    if scaler is not None and isinstance(saved.get("loss_scaler"), Mapping):
        state = scaler.state_dict()
        for key in _LOSS_SCALE:
            before = saved["loss_scaler"].get(key, state.get(key))
            if key in state and not _same(state[key], before):
                yield _line(f"optim_wrapper.loss_scale.{key}", before, state[key])


def _schedulers(runner, checkpoint: Mapping) -> list[tuple[str, object, object]]:
    """Name in the config, scheduler and saved state; None for one that is missing."""
    saved = checkpoint.get("param_schedulers")
    if saved is None:
        return []
    own, found = _named(runner.param_schedulers), _named(saved)
    return [
        (name, dict(own).get(name), dict(found).get(name))
        for name in dict([*own, *found])
    ]


def _named(schedulers) -> list[tuple[str, object]]:
    """Schedulers, or their states, with their places in the config."""
    if isinstance(schedulers, Mapping):
        return [
            (f"param_scheduler.{key}[{i}]", one)
            for key, ones in schedulers.items()
            for i, one in enumerate(ones)
        ]
    return [(f"param_scheduler[{i}]", one) for i, one in enumerate(schedulers or ())]


def _compare_scheduler(
    name: str, own, saved, lengths: Mapping[int, str]
) -> Iterator[str]:
    """Differences; ``lengths`` are of the run, at which a schedule ends by default."""
    if own is None or saved is None:
        where = "the checkpoint" if own is None else "the config"
        yield f"{name} is in {where} only"
        return
    state = own.state_dict()
    settings = {
        key
        for key, value in state.items()
        if not key.startswith("_") and key not in _PROGRESS and not callable(value)
    }
    lacking = sorted(settings - saved.keys())
    if lacking:
        yield (
            f"{name}: the checkpoint is of a schedule without {lacking[0]}, not of "
            f"{type(own).__name__}"
        )
        return
    for key in state:
        if key in settings - _DERIVED and not _same(state[key], saved[key]):
            line = _line(f"{name}.{key}", saved[key], state[key])
            from_length = key == "end" and state[key] in lengths
            yield line + (f" (train_cfg.{lengths[state[key]]})" if from_length else "")


def _same(one, other) -> bool:
    if isinstance(one, float) and isinstance(other, (int, float)):
        return abs(one - other) <= 1e-9 * max(abs(one), abs(other))
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other)


def _line(setting: str, saved, own) -> str:
    return f"{setting}: {_show(saved)} in the checkpoint, {_show(own)} in the config"


def _show(value) -> str:
    if isinstance(value, Mapping):  # milestones: how often each
        return str(sorted(value))
    return f"{value:g}" if isinstance(value, float) else repr(value)
