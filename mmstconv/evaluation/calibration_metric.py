"""Fits a temperature to the predictions of files that the training held out."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

import numpy as np
from mmaction.registry import METRICS
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log

from .calibration import (
    at_temperature,
    calibration_error,
    error_by_chance,
    fit_temperature,
    negative_log_likelihood,
    reliability,
    to_probabilities,
)
from .gathering import GatheredResults


@METRICS.register_module()
class CalibrationMetric(GatheredResults, BaseMetric):
    """The temperature at which the labels of some files are likeliest.

    For predictions at ``temperature=1`` of the head. Files that could not be read,
    which are predicted without input, do not count. ``found`` then has
    ``temperature``, ``error`` (one standard error), ``samples``, ``accuracy``, and
    ``before`` and ``after`` with ``ece``, ``chance`` (what so few files show without
    any), ``nll`` and ``bins`` (of ``calibration.reliability``).

    Args:
        collect_device: Of ``BaseMetric``.
        prefix: Of ``BaseMetric``. None: ``calibration``.
        collect_dir: Of ``BaseMetric``.

    Raises:
        ValueError: A file has no label or several, or no temperature can be had.
    """

    default_prefix = "calibration"
    found: dict | None = None  # in the main process

    def process(self, data_batch: object, data_samples: Sequence[Mapping]) -> None:
        """Keep scores and label of each file."""
        for sample in data_samples:
            label = np.asarray(sample["gt_label"]).reshape(-1)
            if sample.get("multi_class", False) or label.size != 1 or label[0] < 0:
                raise ValueError(
                    f"{sample.get('filename', 'a data sample')}: a temperature needs "
                    f"files of exactly one class, got gt_label={label.tolist()}"
                )
            scores = np.asarray(sample["pred_score"], np.float64)
            failed = "failure" in sample
            one = dict(scores=scores, label=int(label[0]), failed=failed)
            self.results.append(one)

    def compute_metrics(self, results: Sequence[Mapping]) -> dict[str, float]:
        good = [one for one in results if not one["failed"]]
        if len(good) < len(results):
            print_log(
                f"{len(results) - len(good)} of {len(results)} files could not be "
                "read: the temperature is fitted to the others",
                logger="current",
                level=logging.WARNING,
            )
        if not good:
            raise ValueError("no file could be read: there is nothing to fit")
        scores = to_probabilities(np.stack([one["scores"] for one in good]))
        labels = np.array([one["label"] for one in good])
        fit = fit_temperature(scores, labels)
        self.found = dict(
            temperature=fit.temperature,
            error=fit.error,
            samples=len(labels),
            accuracy=float((scores.argmax(1) == labels).mean()),
            before=_judge(scores, labels),
            after=_judge(at_temperature(scores, fit.temperature), labels),
        )
        return dict(
            temperature=fit.temperature,
            ece_before=self.found["before"]["ece"],
            ece_after=self.found["after"]["ece"],
        )


def _judge(probabilities: np.ndarray, labels: np.ndarray) -> dict:
    said = probabilities.max(1)
    bins = reliability(said, probabilities.argmax(1) == labels)
    return dict(
        ece=calibration_error(bins),
        chance=error_by_chance(said),
        nll=negative_log_likelihood(probabilities, labels),
        bins=bins,
    )
