"""Mean average precision of detected segments, as an MMEngine metric."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from mmaction.registry import METRICS

from .detection import (
    AveragePrecision,
    Events,
    average_precision,
    average_recall,
    thresholds_of,
)
from .event_metric import EventMetric, median_or_nothing


@METRICS.register_module()
class TemporalDetectionMetric(EventMetric):
    """Mean average precision (mAP) of segments at the thresholds of a protocol.

    Reads ``gt_instances`` and ``pred_instances`` (``segments`` ``(K, 2)`` seconds,
    ``labels`` ``(K,)``, predictions ``scores`` ``(K,)``) and, where the head has
    ``score_subsets``, ``subset_instances``. How detections are judged is said at
    :func:`~.detection.average_precision`. Logged, after the prefix:

    - ``mAP@0.50`` and so on: over classes, at each tIoU of the protocol.
    - ``average_mAP``: their mean. ``save_best="detection/average_mAP"`` keeps the best.
    - ``median_start_error``, ``median_end_error``, ``median_edge_error``: seconds, of
      the events that are found at the tIoU nearest to 0.5; only if there is one.
    - ``AR@{n}``: average recall at n detections a video; with ``average_recall``.
    - ``mAP@0.50/{subset}`` (the tIoU nearest to 0.5), ``average_mAP/{subset}``: by what
      is heard and seen, from ``none`` to all modalities.
    - ``shapley/{modality}``: exact, of ``average_mAP``; they sum to that of all
      modalities minus that of none.
    - ``margin/best_stream``: ``average_mAP`` of all modalities minus that of the best
      single one. Negative is also a warning in the log.

    A file counts also if it could not be read: what it holds is missed then. A file
    without ``gt_instances`` is not labelled; those are left out and a warning says how
    many; their detections are in ``out_file``. A class without true events has no
    average precision and is left out of the mean, with a warning.

    Args:
        protocol: ``activitynet`` (tIoU 0.5:0.05:0.95), ``thumos`` (0.3:0.1:0.7),
            ``epic`` (0.1:0.1:0.5) or ``multithumos`` (0.1:0.1:0.9).
        average_recall: Also log average recall at so many detections a video.
        out_dir: Write ``detection_report.json`` and ``.csv`` (a line for each class)
            here; with subsets also ``detection_modality_report.json``, ``.csv`` and
            ``.png``. With another prefix that is in the place of ``detection``. None:
            only log.
        out_file: Write the detections here, as ActivityNet's result file. None: do not.
        collect_device: Of ``BaseMetric``.
        prefix: Of ``BaseMetric``. None: ``detection``.
        collect_dir: Of ``BaseMetric``.

    Raises:
        ValueError: There is no such protocol; a data sample has no or no whole
            ``pred_instances``; or a label is not one of the data set's classes.
        ForeignFile: ``out_file`` is there and was not written here.
    """

    default_prefix = "detection"
    times = "segments"

    def __init__(
        self,
        protocol: str = "activitynet",
        *,
        average_recall: int | None = None,
        out_dir: str | Path | None = None,
        out_file: str | Path | None = None,
        collect_device: str = "cpu",
        prefix: str | None = None,
        collect_dir: str | None = None,
    ) -> None:
        super().__init__(
            out_dir,
            out_file,
            collect_device=collect_device,
            prefix=prefix,
            collect_dir=collect_dir,
        )
        self.thresholds = thresholds_of(protocol)
        self.columns = [f"mAP@{one:.2f}" for one in self.thresholds]
        self.main = int(np.abs(self.thresholds - 0.5).argmin())
        self.average_recall = average_recall

    def _judge(self, truth: Events, found: Events, classes: list) -> AveragePrecision:
        return average_precision(truth, found, self.thresholds, classes)

    def _more(self, truth: Events, found: Events, judged: AveragePrecision) -> dict:
        places = judged.matches[:, self.main]
        errors = np.abs(found.times - truth.times[places])[places >= 0]  # (n, 2)
        measures = {
            **median_or_nothing("median_start_error", errors[:, 0]),
            **median_or_nothing("median_end_error", errors[:, 1]),
            **median_or_nothing("median_edge_error", errors),
        }
        if self.average_recall is not None:
            reached = average_recall(truth, found, self.thresholds, self.average_recall)
            measures[f"AR@{self.average_recall}"] = float(reached.mean[-1])
        return measures
