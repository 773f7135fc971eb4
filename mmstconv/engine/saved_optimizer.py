"""The optimizer's state in a checkpoint: is it there, and of the config's optimizer?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mmengine.optim import OptimWrapper

from ..checkpoints.containers import weights_of
from ..checkpoints.reading import CheckpointError
from ..private_names import checkpoint_of
from .runner_parts import checkpoint_hook, unwrap


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


def check_order(runner, checkpoint: Mapping) -> None:
    """Check that the saved state counts the parameters in the order of the model.

    An optimizer's state is by number. Where the parts of a model stand in another order
    than when it was saved, it would go to other parameters, and say nothing if they
    have the same shape.

    Raises:
        CheckpointError: The order is another one.
    """
    if "optimizer" not in checkpoint:
        return
    own = [name for name, _ in unwrap(runner.model).named_parameters()]
    known = set(own)
    saved = [name for name in weights_of(checkpoint) if name in known]
    if len(saved) == len(own) and saved != own:
        name = next(one for one, other in zip(saved, own) if one != other)
        raise CheckpointError(
            f"{checkpoint_of(runner)}: cannot be resumed from, its optimizer counts "
            f"the parameters in another order than this model has them, from {name} "
            "on; to start training from its weights, set load_from without --resume"
        )


def check_kind(runner, checkpoint: Mapping) -> None:
    """Check that the config's optimizer can go on from the checkpoint's state.

    Raises:
        CheckpointError: It is of another kind.
    """
    for _, own, saved in saved_optimizers(runner, checkpoint):
        if unfit := other_kind(own, saved):
            raise CheckpointError(
                f"{checkpoint_of(runner)}: {unfit}; to go on from its weights "
                "with a new optimizer: --cfg-options "
                "default_hooks.consistency.new_schedule=True"
            )


def saved_optimizers(
    runner, checkpoint: Mapping
) -> Iterator[tuple[str, OptimWrapper, Mapping]]:
    """Name in the config, optimizer and saved state of each optimizer.

    Raises:
        CheckpointError: A saved state is none of an optimizer of the same parameters.
    """
    saved = checkpoint.get("optimizer")
    wrapper = runner.optim_wrapper
    if saved is None:
        return
    if isinstance(wrapper, OptimWrapper):
        yield (
            "optim_wrapper.optimizer",
            wrapper,
            _checked(runner, "optimizer", wrapper, saved),
        )
        return
    for name, own in wrapper.items():
        state = _checked(runner, f"optimizer.{name}", own, saved.get(name))
        yield f"optim_wrapper.{name}.optimizer", own, state


def other_kind(own: OptimWrapper, saved: Mapping) -> str | None:
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
