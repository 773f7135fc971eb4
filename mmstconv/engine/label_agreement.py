"""One class a sample or several: do data, head and metrics agree?"""

from __future__ import annotations

from collections.abc import Iterator

from mmaction.evaluation import AccMetric, ConfusionMatrix
from mmengine.evaluator import BaseMetric
from mmengine.hooks import CheckpointHook
from torch import Tensor, nn

from ..evaluation.gathered_acc_metric import OF_ONE_CLASS, OF_SEVERAL_CLASSES
from ..private_names import built_loop
from .runner_parts import built_data_sets

_WORDS = {False: "one class a sample", True: "several classes a sample"}


def check_labels(runner, head: nn.Module | None) -> None:
    """Raise ``ValueError`` where they disagree; says what to write.

    Args:
        runner: Its loops that are built are looked at.
        head: Of the model. Of MMAction2's heads with a loss of the user's own nothing
            is known.
    """
    from ..models.heads import (
        multi_class_of,  # MMAction2's models take seconds to import
    )

    several = multi_class_of(head)
    for dataset in built_data_sets(runner):
        own = getattr(dataset, "multi_class", None)
        if several is None:
            several = own
        if own is not None and own != several:
            where = getattr(dataset, "ann_file", "the data set")
            raise ValueError(
                f"model.cls_head is for {_WORDS[several]} "
                f"({type(head.loss_cls).__name__}), but the data set {where} has "
                f"multi_class={own}: set multi_class=True in all data sets and in "
                "cls_head, or in none"
            )
    if several is None:
        return
    _check_average(head, several)
    for name, metric in _metrics(runner):
        _check_metric(name, metric, several)
    num_classes = getattr(head, "num_classes", None)
    if num_classes is not None:
        _check_best(runner, num_classes, several)
    if several:
        _check_training_labels(runner)


def _check_average(head: nn.Module, several: bool) -> None:
    """MMAction2's heads know no sigmoid; ours takes one."""
    softmax = getattr(head, "average_clips", None) == "prob"
    if several and softmax and not getattr(head, "decides_multi_class", False):
        raise ValueError(
            f"average_clips='prob' of {type(head).__name__} is a softmax of all "
            "classes, which compete there; for several classes a sample take "
            "average_clips='score'"
        )


def _metrics(runner) -> Iterator[tuple[str, BaseMetric]]:
    for split in ("val", "test"):
        evaluator = getattr(built_loop(runner, split), "evaluator", None)
        for metric in getattr(evaluator, "metrics", ()):
            yield f"{split}_evaluator", metric


def _check_metric(name: str, metric: BaseMetric, several: bool) -> None:
    if isinstance(metric, ConfusionMatrix) and several:
        raise ValueError(
            f"{name}: ConfusionMatrix is of one class a sample, the data have several: "
            "leave it out"
        )
    if not isinstance(metric, AccMetric) or getattr(metric, "by_labels", False):
        return
    right = OF_SEVERAL_CLASSES if several else OF_ONE_CLASS
    wrong = [one for one in metric.metrics if one not in right]
    if wrong:
        raise ValueError(
            f"{name}: {', '.join(wrong)} of {type(metric).__name__} cannot be measured "
            f"on {_WORDS[several]}: write metric_list={right}, or use "
            "GatheredAccMetric without a metric_list"
        )


def _check_best(runner, num_classes: int, several: bool) -> None:
    """The measure by which the best checkpoint is known, if it is one of accuracy."""
    known: dict[str, list[str]] = {}
    others = set()  # prefixes of metrics that do not say beforehand what they give
    for name, metric in _metrics(runner):
        if name != "val_evaluator":
            continue
        if not hasattr(metric, "names"):
            others.add(metric.prefix)
        else:
            names = metric.names(num_classes, several)
            known.setdefault(metric.prefix, []).extend(
                f"{metric.prefix}/{one}" for one in names
            )
    for hook in runner.hooks:
        wanted = getattr(hook, "save_best", None)
        if not isinstance(hook, CheckpointHook) or not wanted:
            continue
        for key in [wanted] if isinstance(wanted, str) else wanted:
            prefix = key.split("/")[0]
            names = known.get(prefix, [key])
            if key not in names and prefix not in others:
                raise ValueError(
                    f"default_hooks.checkpoint.save_best is {key!r}, but val_evaluator "
                    f"gives {names} of {num_classes} classes and {_WORDS[several]}: "
                    "choose one of these"
                )


def _check_training_labels(runner) -> None:
    loader = getattr(built_loop(runner, "train"), "dataloader", None)
    dataset = getattr(loader, "dataset", None)
    if dataset is None or not hasattr(dataset, "get_data_info"):
        return
    if not any(_has_label(dataset.get_data_info(k)) for k in range(len(dataset))):
        where = getattr(dataset, "ann_file", "the training data")
        raise ValueError(f"{where}: no line has a label, there is nothing to learn")


def _has_label(info: dict) -> bool:
    label = info.get("label")
    return not isinstance(label, Tensor) or bool(label.any())
