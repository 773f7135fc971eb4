"""MMEngine's wrappers of data sets that pass on classes and places in the run."""

from __future__ import annotations

from mmaction.registry import DATASETS
from mmengine import dataset as mmengine_datasets

from ..private_names import uses_private
from ..randomness import SeededIndex


@DATASETS.register_module()
@uses_private("_get_ori_dataset_idx")
class ConcatDataset(mmengine_datasets.ConcatDataset):
    """As MMEngine's; a class-balanced data set can wrap it."""

    def get_cat_ids(self, idx: int) -> list[int]:
        """The classes of a sample."""
        part, index = self._get_ori_dataset_idx(idx)
        return self.datasets[part].get_cat_ids(index)


@DATASETS.register_module()
@uses_private("_get_ori_dataset_idx")
class RepeatDataset(mmengine_datasets.RepeatDataset):
    """As MMEngine's; a class-balanced data set can wrap it."""

    def get_cat_ids(self, idx: int) -> list[int]:
        """The classes of a sample."""
        return self.dataset.get_cat_ids(self._get_ori_dataset_idx(idx))


@DATASETS.register_module()
@uses_private("_get_ori_dataset_idx")
class ClassBalancedDataset(mmengine_datasets.ClassBalancedDataset):
    """As MMEngine's; a sample that is repeated is augmented anew each time.

    The index keeps its place in the run (:class:`~mmstconv.randomness.SeededIndex`), so
    that a resumed run goes on as if it had never stopped.
    """

    def _get_ori_dataset_idx(self, idx: int) -> int:
        index = super()._get_ori_dataset_idx(idx)
        place = getattr(idx, "place", None)
        return index if place is None else SeededIndex(index, place)
