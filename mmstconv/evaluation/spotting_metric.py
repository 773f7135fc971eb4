"""Mean average precision of spotted instants, as an MMEngine metric."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from mmaction.registry import METRICS

from .detection import (
    SPOTTING_TOLERANCES,
    AveragePrecision,
    Events,
    soccernet_average_precision,
    spotting_average_precision,
    thresholds_of,
)
from .detection.soccernet import average_over_windows
from .event_metric import EventMetric, median_or_nothing


@METRICS.register_module()
class TemporalSpottingMetric(EventMetric):
    """Mean average precision (mAP) of instants within tolerances.

    Reads ``gt_instances`` and ``pred_instances`` (``times`` ``(K,)`` seconds,
    ``labels`` ``(K,)``, predictions ``scores`` ``(K,)``) and, where the head has
    ``score_subsets``, ``subset_instances``. How detections are judged is said at
    :func:`~.detection.spotting_average_precision` and
    :func:`~.detection.soccernet_average_precision`. Logged, after the prefix:

    - ``mAP@1.00s`` and so on: over classes, at each tolerance (of SoccerNet: width of
      the window); ``mAP@2f`` with ``frame_rate``.
    - ``average_mAP``: their mean (of SoccerNet: mean height of the curve over widths).
      ``save_best="spotting/average_mAP"`` keeps the best.
    - ``median_time_error``: seconds, of the events that are found at the largest
      tolerance; only if there is one.
    - of each subset, ``shapley/{modality}`` and ``margin/best_stream``: as
      :class:`~.detection_metric.TemporalDetectionMetric`, at the largest tolerance.

    What could not be read, is not labelled, or a class without events: as there.

    Args:
        protocol: ``seconds``: as E2E-Spot; ``soccernet_tight``: windows of 1 to 5 s;
            ``soccernet_loose``: of 5 to 60 s. SoccerNet's need scores of 0 to 1.
        tolerances: On either side, of ``seconds`` alone; with ``frame_rate`` in
            frames. None: 0.1, 0.25, 0.5 and 1 s.
        frame_rate: Frames that times are rounded to. None: none; of SoccerNet 2.
        out_dir: Write ``spotting_report.json`` and ``.csv`` (a line for each class)
            here; with subsets also ``spotting_modality_report.json``, ``.csv`` and
            ``.png``. With another prefix that is in the place of ``spotting``. None:
            only log.
        out_file: Write the detections here, as ActivityNet's result file, each as a
            segment that starts when it ends. None: do not.
        collect_device: Of ``BaseMetric``.
        prefix: Of ``BaseMetric``. None: ``spotting``.
        collect_dir: Of ``BaseMetric``.

    Raises:
        ValueError: There is no such protocol, or it has tolerances of its own; a data
            sample has no or no whole ``pred_instances``; or a label is not one of the
            data set's classes.
        ForeignFile: ``out_file`` is there and was not written here.
    """

    default_prefix = "spotting"
    times = "times"

    def __init__(
        self,
        protocol: str = "seconds",
        *,
        tolerances: Sequence[float] | None = None,
        frame_rate: float | None = None,
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
        self.soccernet = protocol.startswith("soccernet")
        self.tolerances = thresholds_of(protocol, SPOTTING_TOLERANCES)
        if tolerances is not None:
            if self.soccernet:
                raise ValueError(
                    f"tolerances={list(tolerances)}: {protocol} has its own, "
                    f"{self.tolerances.tolist()} s"
                )
            self.tolerances = np.asarray(tolerances, np.float64)
        elif frame_rate is not None and not self.soccernet:
            raise ValueError(
                f"frame_rate={frame_rate} needs tolerances, in frames, as (1, 2, 5)"
            )
        frames = frame_rate is not None and not self.soccernet
        self.frame_rate = frame_rate
        self.columns = [
            f"mAP@{one:g}f" if frames else f"mAP@{one:.2f}s" for one in self.tolerances
        ]
        self.main = int(self.tolerances.argmax())

    def _judge(self, truth: Events, found: Events, classes: list) -> AveragePrecision:
        if self.soccernet:
            rate = self.frame_rate or 2
            return soccernet_average_precision(
                truth, found, self.tolerances, classes, rate
            )
        return spotting_average_precision(
            truth, found, self.tolerances, classes, self.frame_rate
        )

    def _mean(self, values: np.ndarray) -> np.ndarray:
        return average_over_windows(values) if self.soccernet else values.mean(-1)

    def _more(self, truth: Events, found: Events, judged: AveragePrecision) -> dict:
        places = judged.matches[:, self.main]
        errors = np.abs(found.times - truth.times[places])[places >= 0]
        return median_or_nothing("median_time_error", errors)
