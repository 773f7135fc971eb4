"""The parts of a runner that hooks and checks reach for: data sets, streams, head."""

from __future__ import annotations

from collections.abc import Iterator

from mmengine.hooks import CheckpointHook
from mmengine.model import is_model_wrapper
from torch import nn

from ..private_names import built_loop, built_loops


def is_training(runner) -> bool:
    """Whether the runner was started to train, not to validate or test."""
    return built_loop(runner, "train") is not None


def leaves(dataset) -> Iterator:
    """The data sets inside MMEngine's Concat/Repeat/ClassBalanced wrappers."""
    inner = getattr(dataset, "datasets", None) or [getattr(dataset, "dataset", None)]
    if inner == [None]:
        yield dataset
    else:
        for part in inner:
            yield from leaves(part)


def built_data_sets(runner) -> Iterator:
    """The data sets of the loops that the runner has built by now."""
    for loop in built_loops(runner):
        yield from leaves(loop.dataloader.dataset)


def checkpoint_hook(runner) -> CheckpointHook | None:
    """The hook that saves the run's checkpoints, if there is one."""
    found = (hook for hook in runner.hooks if isinstance(hook, CheckpointHook))
    return next(found, None)


def unwrap(model: nn.Module) -> nn.Module:
    """The model itself where distributed training has wrapped it."""
    return model.module if is_model_wrapper(model) else model


def joint_model(runner, hook: str) -> tuple[nn.ModuleDict, nn.Module]:
    """Streams and head of the model that is trained.

    Args:
        runner: Its model is looked at.
        hook: Who asks, for the message.

    Raises:
        TypeError: The model has no streams, or another kind of head.
    """
    model = unwrap(runner.model)
    streams = getattr(model, "streams", None)
    head = getattr(model, "cls_head", None)
    if streams is None or not hasattr(head, "aux_loss_weight"):
        raise TypeError(
            f"{hook} needs a TriModalRecognizer with a TriModalFusionHead, got "
            f"{type(model).__name__} with {type(head).__name__}"
        )
    return streams, head
