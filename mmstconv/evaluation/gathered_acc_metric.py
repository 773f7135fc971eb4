"""MMAction2's accuracy, with less work between processes."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence

import numpy as np
from mmaction.evaluation import AccMetric, mmit_mean_average_precision
from mmaction.registry import METRICS

from .gathering import GatheredResults

OF_ONE_CLASS = ("top_k_accuracy", "mean_class_accuracy")
OF_SEVERAL_CLASSES = ("mean_average_precision", "mmit_mean_average_precision")


@METRICS.register_module()
class GatheredAccMetric(GatheredResults, AccMetric):
    """``AccMetric``: same arguments, same names and values (``acc/top1``).

    The scores of all processes come to the main one as arrays, not as a pickle of each
    sample in a folder that all must share. Beyond that:

    - top-k with k of the number of classes or more, which is always 1, is left out;
    - a class without a sample in ``mean_average_precision``, and a sample without a
      class in ``mmit_mean_average_precision``, are left out of the mean.

    Args:
        metric_list: Of ``AccMetric``. None: ``top_k_accuracy`` and
            ``mean_class_accuracy``; where a sample may have several classes,
            ``mean_average_precision`` (over classes) and
            ``mmit_mean_average_precision`` (over samples).
        collect_device: Of ``AccMetric``.
        metric_options: Of ``AccMetric``. None: ``topk=(1, 5)``.
        prefix: Of ``AccMetric``. None: ``acc``.
    """

    def __init__(
        self,
        metric_list: str | tuple[str, ...] | None = None,
        collect_device: str = "cpu",
        metric_options: Mapping | None = None,
        prefix: str | None = None,
    ) -> None:
        super().__init__(
            OF_ONE_CLASS if metric_list is None else metric_list,
            collect_device,
            dict(metric_options or {}),
            prefix,
        )
        self.by_labels = metric_list is None

    def names(self, num_classes: int, multi_class: bool) -> list[str]:
        """What :meth:`calculate` returns, without the prefix."""
        names = []
        for metric in self._metrics(multi_class):
            if metric == "top_k_accuracy":
                names += [f"top{k}" for k in self._topk(num_classes)]
            else:
                names.append("mean1" if metric == "mean_class_accuracy" else metric)
        return names

    def calculate(self, preds: list, labels: list) -> dict[str, float]:
        """The measures of scores ``(num_classes,)`` and labels, one a sample."""
        several = not isinstance(labels[0], (int, np.integer))
        num_classes = preds[0].shape[-1]
        found = {}
        for metric in self._metrics(several):
            if metric in OF_SEVERAL_CLASSES:
                found[metric] = _mean_average_precision(metric, preds, labels)
                continue
            topk = self._topk(num_classes)
            if metric == "top_k_accuracy" and not topk:
                continue
            one = copy.copy(self)
            one.metrics = (metric,)
            one.metric_options = dict(top_k_accuracy=dict(topk=topk))
            found.update(AccMetric.calculate(one, preds, labels))
        return found

    def _metrics(self, several: bool) -> tuple[str, ...]:
        if not self.by_labels:
            return self.metrics
        return OF_SEVERAL_CLASSES if several else OF_ONE_CLASS

    def _topk(self, num_classes: int) -> tuple[int, ...]:
        topk = self.metric_options.get("top_k_accuracy", {}).get("topk", (1, 5))
        if isinstance(topk, int):
            topk = (topk,)
        return tuple(k for k in topk if k < num_classes)


def _mean_average_precision(metric: str, preds: Sequence, labels: Sequence) -> float:
    """MMAction2's, of the classes, or samples, that it is defined for."""
    scores = np.stack(preds)  # (N, C)
    sizes = sorted({np.size(label) for label in labels})
    if sizes != [scores.shape[1]]:
        raise ValueError(
            f"{metric}: labels of {sizes} entries, expected yes or no of each of "
            f"{scores.shape[1]} classes, as multi_class=True of the data set gives it"
        )
    right = np.stack([np.reshape(label, -1) for label in labels]) == 1
    if metric == "mean_average_precision":
        scores, right = scores.T, right.T
    known = right.any(axis=1)
    if not known.any():
        return float("nan")
    # over rows, which are classes or samples
    return float(mmit_mean_average_precision(scores[known], right[known]))
