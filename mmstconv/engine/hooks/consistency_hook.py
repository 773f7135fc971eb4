"""Head, data and checkpoint are compared before the first iteration."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence

from mmaction.registry import HOOKS
from mmengine.hooks import Hook

from ...checkpoints.containers import weights_of
from ...checkpoints.entries import check_resumable
from ...checkpoints.filling import fill
from ...checkpoints.reading import CheckpointError
from ...datasets import MultiModalVideoDataset
from ...datasets.transforms.roles import role_of, steps_of
from ...private_names import checkpoint_of, is_resuming
from ..label_agreement import check_labels
from ..preprocessing import check_preprocessing, forget_files_on_resume
from ..runner_parts import built_data_sets, is_training, unwrap
from ..saved_optimizer import check_kind, check_order, check_saved_by
from ..schedule_changes import overridden
from ..schedules import keep_config


@HOOKS.register_module()
class ConsistencyHook(Hook):
    """Head, data and checkpoint must speak of the same classes, shapes and input.

    MMEngine only warns when a checkpoint does not fit and leaves the misfit layers
    at random; a label outside the head's classes ends in an index error somewhere in
    the first epoch; weights that are fed another value range, channel order or mel
    scale than they were trained on lose accuracy and say nothing. Here each is one
    error before the first iteration.

    So are labels that head, data sets or metrics take for something else (one class a
    sample or several), class names that differ between data sets, a pipeline that loses
    which modalities a file has, and, when resuming or testing, a checkpoint that lacks
    a part of the model. To start training from such a one (``load_from``) is allowed;
    what is missing or too much is a short warning.

    The input is compared with what the checkpoint doctor wrote into the files that
    ``init_cfg`` names. Sizes of clips and images are free, so they are a warning.
    A run that resumes needs none of these files.

    A run that resumes follows the optimizer and the schedule of its checkpoint. Where
    the config has been edited since, one warning says which settings do not count.

    Args:
        reinit: Prefixes of parameters to take from the model instead of the
            checkpoint when fine-tuning (not when resuming or testing), e.g.
            ``['cls_head']`` for other classes.
        new_schedule: When resuming, let the config's learning rate, schedule and other
            settings of the optimizer count instead, as if the run had followed them
            from its start. Weights and momentum are the checkpoint's.

    Raises:
        ValueError: On disagreement; names what disagrees and what to do.
    """

    def __init__(
        self, *, reinit: Sequence[str] = (), new_schedule: bool = False
    ) -> None:
        self.reinit = tuple(reinit)
        self.new_schedule = new_schedule

    def before_run(self, runner) -> None:
        model = unwrap(runner.model)
        if is_training(runner):  # else init_cfg is not used
            forget_files_on_resume(runner, model)
            check_preprocessing(runner, model)
        head = getattr(model, "cls_head", None)
        num_classes = getattr(head, "num_classes", None)
        for dataset in built_data_sets(runner):
            _check_presence(dataset)
            if num_classes is not None:
                self._check_classes(dataset, num_classes)
        _check_names(built_data_sets(runner))
        check_labels(runner, head)

    def after_load_checkpoint(self, runner, checkpoint: dict) -> None:
        weights = weights_of(checkpoint)
        start = is_training(runner) and not is_resuming(runner)
        apart = self.reinit if start else ()
        if apart:
            weights = {k: v for k, v in weights.items() if not k.startswith(apart)}
        model = unwrap(runner.model)
        try:
            remarks = fill(model, weights, complete=not start, but=apart)
        except ValueError as error:
            raise CheckpointError(f"{checkpoint_of(runner)}: {error}") from error
        for remark in remarks:
            runner.logger.warning(f"{checkpoint_of(runner)}: {remark}")
        if not start:
            _compare_names(runner, checkpoint)
        if is_resuming(runner) and is_training(runner):
            self._settle_schedule(runner, checkpoint)
        # MMEngine loads it once more, and has nothing left to list.
        checkpoint["state_dict"] = copy.deepcopy(model.state_dict())

    def _settle_schedule(self, runner, checkpoint: dict) -> None:
        check_resumable(checkpoint_of(runner), checkpoint)
        check_saved_by(runner, checkpoint)
        check_order(runner, checkpoint)
        lines = overridden(runner, checkpoint)
        if not lines:
            return
        if self.new_schedule:
            keep_config(runner, checkpoint)
            said = "settings have changed since the checkpoint; the config's count:"
            remedy = ""
        else:
            check_kind(runner, checkpoint)
            said = "settings of the config do not count, the checkpoint's do:"
            remedy = (
                "\nTo let the config's count, with weights and momentum of the "
                "checkpoint: --cfg-options "
                "default_hooks.consistency.new_schedule=True. "
                "To begin a new training from its weights: load_from without --resume"
            )
        runner.logger.warning(
            f"{checkpoint_of(runner)}: {said}\n  " + "\n  ".join(lines) + remedy
        )

    @staticmethod
    def _check_classes(dataset, num_classes: int) -> None:
        ann_file = getattr(dataset, "ann_file", "the data set")
        names = (getattr(dataset, "metainfo", None) or {}).get("classes")
        if isinstance(names, str):  # MMEngine took a path it did not find for a name
            raise ValueError(
                f"metainfo.classes of the data set ({ann_file}): no file {names!r}"
            )
        for what, count in (
            ("num_classes of the data set", getattr(dataset, "num_classes", None)),
            ("the class list of the data set", None if names is None else len(names)),
        ):
            if count is not None and count != num_classes:
                raise ValueError(
                    f"model.cls_head.num_classes is {num_classes}, but {what} "
                    f"({ann_file}) says {count}: make them agree in the config"
                )
        if isinstance(dataset, MultiModalVideoDataset) and dataset.num_classes:
            return  # it has checked each label, with its line
        for index in range(len(dataset)):
            info = dataset.get_data_info(index)
            label = info.get("label", -1)
            if isinstance(label, int) and label >= num_classes:
                raise ValueError(
                    f"{ann_file}: {info.get('filename')} has label {label}, but "
                    f"model.cls_head.num_classes is {num_classes} "
                    f"(labels go from 0 to {num_classes - 1})"
                )


def _check_names(data_sets: Iterable) -> None:
    """One label must have one name, or accuracies are of something else."""
    first, where = None, None
    for dataset in data_sets:
        names = (getattr(dataset, "metainfo", None) or {}).get("classes")
        if names is None:
            continue
        ann_file = getattr(dataset, "ann_file", "a data set")
        if first is None:
            first, where = list(names), ann_file
        for label, (one, other) in enumerate(zip(first, names)):
            if one != other:
                raise ValueError(
                    f"label {label} is {one!r} in {where}, but {other!r} in "
                    f"{ann_file}: the class files of the data sets must agree"
                )


def _compare_names(runner, checkpoint: dict) -> None:
    """Warn where a label has had another name in training."""
    meta = checkpoint.get("meta")
    trained = meta.get("dataset_meta") if isinstance(meta, dict) else None
    names = trained.get("classes") if isinstance(trained, dict) else None
    if not isinstance(names, (list, tuple)):
        return
    for dataset in built_data_sets(runner):
        own = (getattr(dataset, "metainfo", None) or {}).get("classes") or ()
        for label, (one, other) in enumerate(zip(names, own)):
            if one != other:
                runner.logger.warning(
                    f"{checkpoint_of(runner)}: was trained with label {label} as "
                    f"{one!r}, but {getattr(dataset, 'ann_file', 'the data set')} "
                    f"names it {other!r}"
                )
                break


def _check_presence(dataset) -> None:
    """Without ``presence`` the model takes the zeros of a silent file for sound."""
    steps = steps_of(dataset)
    if not any(role_of(step).step == "format" for step in steps):
        return
    for step in steps:
        if role_of(step).step == "pack" and "presence" not in step.meta_keys:
            where = getattr(dataset, "ann_file", "the data set")
            raise ValueError(
                f"{where}: PackActionInputs drops which modalities a file has; "
                "write meta_keys=['filename', 'presence']"
            )
