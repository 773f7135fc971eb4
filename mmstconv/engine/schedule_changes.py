"""Settings of optimizer and schedule that differ between a config and a checkpoint."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mmengine.optim import OptimWrapper

from .saved_optimizer import other_kind, saved_optimizers

# What a scheduler's state says about the place of the run, not about the schedule.
_PROGRESS = {
    "last_step",
    "verbose",
    "best",
    "num_bad_epochs",
    "cooldown_counter",
    "rule_worse",
}
# Sets what the optimizer says already, or follows from begin, end and T_max.
_DERIVED = {"base_values", "total_iters"}
_LOSS_SCALE = ("growth_factor", "backoff_factor", "growth_interval")


def overridden(runner, checkpoint: Mapping) -> list[str]:
    """Settings of the config that the checkpoint overrides, one line each.

    Raises:
        CheckpointError: The optimizer's state is not that of the config's optimizer.
    """
    found: dict[str, None] = {}  # in order, each once
    for name, own, saved in saved_optimizers(runner, checkpoint):
        for line in _compare_optimizer(name, own, saved):
            found[line] = None
    lengths = {runner.max_epochs: "max_epochs", runner.max_iters: "max_iters"}
    for name, own, saved in _schedulers(runner, checkpoint):
        for line in _compare_scheduler(name, own, saved, lengths):
            found[line] = None
    return list(found)


def _compare_optimizer(name: str, own: OptimWrapper, saved: Mapping) -> Iterator[str]:
    for group, before in zip(own.optimizer.param_groups, saved["param_groups"]):
        if unfit := other_kind(own, saved):
            yield f"{name}: {unfit}"
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
    own, found = named_places(runner.param_schedulers), named_places(saved)
    return [
        (name, dict(own).get(name), dict(found).get(name))
        for name in dict([*own, *found])
    ]


def named_places(schedulers) -> list[tuple[str, object]]:
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
