"""The parts of a runner's model that hooks reach for."""

from __future__ import annotations

from mmengine.model import is_model_wrapper
from torch import nn


def unwrap(model: nn.Module) -> nn.Module:
    """The model itself where distributed training has wrapped it."""
    return model.module if is_model_wrapper(model) else model


def is_training(runner) -> bool:
    """Whether the runner was started to train, not to validate or test."""
    return hasattr(runner._train_loop, "dataloader")


def joint_model(runner, hook: str) -> tuple[nn.ModuleDict, nn.Module]:
    """Streams and head of the model that is trained.

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
