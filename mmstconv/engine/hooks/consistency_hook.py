from __future__ import annotations

from collections.abc import Iterator, Sequence

from mmaction.datasets.transforms import PackActionInputs
from mmaction.registry import HOOKS
from mmengine.hooks import Hook

from ...checkpoints.reading import weights_of
from ...datasets import MultiModalVideoDataset
from ...datasets.transforms import FormatClips
from ..checkpoint import check_fit
from .joint_model import unwrap
from .preprocessing_check import check_preprocessing, forget_files_on_resume


@HOOKS.register_module()
class ConsistencyHook(Hook):
    """Head, data and checkpoint must speak of the same classes, shapes and input.

    MMEngine only warns when a checkpoint does not fit and leaves the misfit layers
    at random; a label outside the head's classes ends in an index error somewhere in
    the first epoch; weights that are fed another value range, channel order or mel
    scale than they were trained on lose accuracy and say nothing. Here each is one
    error before the first iteration.

    So is a pipeline that loses which modalities a file has.

    The input is compared with what the checkpoint doctor wrote into the files that
    ``init_cfg`` names. Sizes of clips and images are free, so they are a warning.
    A run that resumes needs none of these files.

    Args:
        reinit: Prefixes of parameters to take from the model instead of the
            checkpoint when fine-tuning, e.g. ``['cls_head']`` for other classes.

    Raises:
        ValueError: On disagreement; names what disagrees and what to do.
    """

    def __init__(self, *, reinit: Sequence[str] = ()) -> None:
        self.reinit = tuple(reinit)

    def before_run(self, runner) -> None:
        model = unwrap(runner.model)
        if hasattr(runner._train_loop, "dataloader"):  # else init_cfg is not used
            forget_files_on_resume(runner, model)
            check_preprocessing(runner, model)
        head = getattr(model, "cls_head", None)
        num_classes = getattr(head, "num_classes", None)
        for loop in (runner._train_loop, runner._val_loop, runner._test_loop):
            if hasattr(loop, "dataloader"):
                for dataset in _leaves(loop.dataloader.dataset):
                    _check_presence(dataset)
                    if num_classes is not None:
                        self._check_classes(dataset, num_classes)

    def after_load_checkpoint(self, runner, checkpoint: dict) -> None:
        weights = {
            key: value
            for key, value in weights_of(checkpoint).items()
            if not key.startswith(self.reinit)
        }
        check_fit(unwrap(runner.model), weights)
        checkpoint["state_dict"] = weights

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


def _check_presence(dataset) -> None:
    """Without ``presence`` the model takes the zeros of a silent file for sound."""
    steps = getattr(getattr(dataset, "pipeline", None), "transforms", ())
    if not any(isinstance(step, FormatClips) for step in steps):
        return
    for step in steps:
        if isinstance(step, PackActionInputs) and "presence" not in step.meta_keys:
            where = getattr(dataset, "ann_file", "the data set")
            raise ValueError(
                f"{where}: PackActionInputs drops which modalities a file has; "
                "write meta_keys=['filename', 'presence']"
            )


def _leaves(dataset) -> Iterator:
    """The data sets inside MMEngine's Concat/Repeat/ClassBalanced wrappers."""
    inner = getattr(dataset, "datasets", None) or [getattr(dataset, "dataset", None)]
    if inner == [None]:
        yield dataset
    else:
        for part in inner:
            yield from _leaves(part)
