"""One class a sample or several: what a loss takes, and what follows from that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mmaction.models.losses import BCELossWithLogits, CBFocalLoss, CrossEntropyLoss
from torch import Tensor, nn

from .labels import check_distributions

ONE_CLASS = (CrossEntropyLoss, CBFocalLoss)
SEVERAL_CLASSES = (BCELossWithLogits,)


def loss_config(loss: Mapping | None, multi_class: bool | None) -> dict:
    """Config of a loss; the usual one for the kind of labels, if None is given."""
    usual = "BCELossWithLogits" if multi_class else "CrossEntropyLoss"
    return dict(loss or {"type": usual})


def decide_multi_class(loss: nn.Module, multi_class: bool | None) -> bool:
    """Whether a sample may have several classes, or none.

    Args:
        loss: Of the head.
        multi_class: As the config has it; None: what the loss takes.

    Raises:
        ValueError: The loss is not for what the config says.
    """
    if multi_class is None:
        return isinstance(loss, SEVERAL_CLASSES)
    wrong = ONE_CLASS if multi_class else SEVERAL_CLASSES
    if isinstance(loss, wrong):
        one, several = "CrossEntropyLoss", "BCELossWithLogits"
        right, other = (several, False) if multi_class else (one, True)
        raise ValueError(
            f"multi_class={multi_class} of the head does not go with "
            f"loss_cls=dict(type={type(loss).__name__!r}): take "
            f"loss_cls=dict(type={right!r}), or multi_class={other}"
        )
    return multi_class


def multi_class_of(head: nn.Module | None) -> bool | None:
    """``multi_class`` of any head, MMAction2's included; None: it cannot be told.

    MMAction2's heads ignore their argument of that name: there the loss decides.
    """
    if getattr(head, "decides_multi_class", False):
        return head.multi_class
    loss = getattr(head, "loss_cls", None)
    if isinstance(loss, SEVERAL_CLASSES):
        return True
    if isinstance(loss, ONE_CLASS):
        return False
    return getattr(head, "multi_class", False) or None


def takes_sigmoids(loss: nn.Module, multi_class: bool) -> bool:
    """Whether the loss takes a sigmoid of each score, not a softmax of all."""
    return multi_class or isinstance(loss, CBFocalLoss)


def check_loss(loss: nn.Module, num_classes: int, label_smooth_eps: float) -> None:
    """Raise ``ValueError`` where the arguments of the loss do not fit the head's."""
    if isinstance(loss, CBFocalLoss):
        argument, weights = "samples_per_cls", loss.weights
        if label_smooth_eps:
            raise ValueError(
                "CBFocalLoss takes class numbers, label_smooth_eps="
                f"{label_smooth_eps} makes soft labels of them: leave one of them out"
            )
    else:
        argument, weights = "class_weight", getattr(loss, "class_weight", None)
    if weights is not None and len(weights) != num_classes:
        raise ValueError(
            f"{argument} of {type(loss).__name__} has {len(weights)} entries, "
            f"num_classes is {num_classes}"
        )


def check_targets(loss: nn.Module, labels: Tensor, data_samples: Sequence) -> None:
    """Raise ``ValueError`` where soft labels, ``(N, num_classes)``, do not fit it."""
    if labels.dim() == 2 and isinstance(loss, CrossEntropyLoss):
        check_distributions(labels, data_samples)
    if labels.dim() == 2 and isinstance(loss, CBFocalLoss):
        raise ValueError(
            "CBFocalLoss takes class numbers, but labels are soft: leave out what "
            "mixes them (data_preprocessor.blending), or take CrossEntropyLoss"
        )


def probabilities(head: nn.Module | None, scores: Tensor) -> Tensor:
    """What a head has predicted for a sample, as probabilities ``(num_classes,)``.

    Args:
        head: Any classification head; its ``average_clips`` says what the scores are.
        scores: ``pred_score``, ``(num_classes,)``, or ``(M, num_classes)`` of each
            clip as MMAction2's ``average_clips=None`` leaves them.
    """
    average = getattr(head, "average_clips", "prob")
    if average != "prob":
        several = multi_class_of(head)
        scores = scores.sigmoid() if several else scores.softmax(dim=-1)
    return scores if scores.dim() == 1 else scores.mean(dim=0)


def check_class_count(state: Mapping, prefix: str, num_classes: int) -> None:
    """Refuse the classifier of another number of classes; torch only warns of it.

    Args:
        state: Of a checkpoint.
        prefix: Of the head's keys in it.
        num_classes: Of the head.

    Raises:
        ValueError: They differ; says how to fine-tune.
    """
    weight = state.get(f"{prefix}fc_cls.weight")
    if weight is not None and weight.shape[0] != num_classes:
        raise ValueError(
            f"the checkpoint has {weight.shape[0]} classes, but {prefix}num_classes is "
            f"{num_classes}; to fine-tune, load the streams only: "
            "init_cfg=dict(type='Pretrained', checkpoint=..., prefix='streams.rgb') in "
            "each stream"
        )
