"""What the metrics of segments and of instants share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from .class_report import report_modalities
from .detection import AveragePrecision, Events
from .event_samples import (
    activitynet_detections,
    found_events,
    read_events,
    true_events,
)
from .reporting_metric import ResultFileMetric
from .sample_fields import names_of_subsets

#: What the report on modalities judges by.
WORTH = "average mAP"
SHOWN = 5


class EventMetric(ResultFileMetric):
    """Mean average precision of events, of all modalities and of each subset.

    Subclasses say how events are judged: ``times`` (the field of the data samples),
    ``columns`` (names of the thresholds), ``_judge`` and ``_mean``.

    A file counts also if it could not be read: what it holds is missed then. A file
    without ``gt_instances`` is not labelled; those are left out and a warning says how
    many. A class without true events has no average precision and is left out of the
    mean, with a warning.

    Args:
        out_dir: Write the reports here. None: only log.
        out_file: Write the detections here. None: do not.
        collect_device: Of ``BaseMetric``.
        prefix: Of ``BaseMetric``.
        collect_dir: Of ``BaseMetric``.
    """

    times: str
    columns: list[str]
    #: Place of the threshold that subsets and errors of time are reported at.
    main: int

    def process(self, data_batch: object, data_samples: Sequence[Mapping]) -> None:
        """Keep of each file its events."""
        names = (self.dataset_meta or {}).get("classes")
        for sample in data_samples:
            one = read_events(sample, self.times, type(self).__name__)
            if names:
                self._check_labels(one, range(len(names)), "data set", names)
            self.results.append(one)

    def compute_metrics(self, results: Sequence[Mapping]) -> dict[str, float]:
        names = (self.dataset_meta or {}).get("classes")
        self._write_file(results)
        labelled = [one for one in results if one["truth"] is not None]
        self._warn_left_out(
            labelled, results, "files are not labelled (no gt_instances)"
        )
        if not any(len(one["truth"]["labels"]) for one in labelled):
            self._warn("no file has a true event, nothing to measure")
            return {}
        truth, found = true_events(labelled), found_events(labelled)
        known = list(range(len(names))) if names else np.unique(truth.labels).tolist()
        if not names:
            for one in labelled:
                self._check_labels(one, known, "truth", known)
        judged = self._judge(truth, found, known)
        self._warn_of_empty_classes(judged, names)
        measures = dict(zip(self.columns, judged.mean.tolist()))
        measures["average_mAP"] = float(self._mean(judged.mean))
        measures |= self._more(truth, found, judged)
        measures |= self._subsets(labelled, truth, known, names)
        self.report = self._report(results, labelled, truth, found, judged, measures)
        self._write()
        return measures

    def _file_of(self, results: Sequence[Mapping]) -> dict:
        return activitynet_detections(results, (self.dataset_meta or {}).get("classes"))

    def _judge(self, truth: Events, found: Events, classes: list) -> AveragePrecision:
        raise NotImplementedError

    def _mean(self, values: np.ndarray) -> np.ndarray:
        """One value of those at all thresholds: ``(..., K)`` to ``(...)``."""
        return values.mean(-1)

    def _more(self, truth: Events, found: Events, judged: AveragePrecision) -> dict:
        """Further measures."""
        return {}

    def _check_labels(
        self, one: Mapping, known: Sequence[int], whose: str, names: Sequence
    ) -> None:
        """Says which file has a label that is not known."""
        tables = [one["found"], *one["subsets"].values()]
        tables += [] if one["truth"] is None else [one["truth"]]
        labels = np.concatenate([table["labels"] for table in tables])
        wrong = sorted(set(labels.tolist()) - set(known))
        if wrong:
            raise ValueError(
                f"{type(self).__name__}: {one['name']}: label {wrong[0]} is not "
                f"known, the {whose} has {len(known)} classes: {list(names)[:SHOWN]}"
            )

    def _subsets(
        self,
        labelled: Sequence[Mapping],
        truth: Events,
        known: list[int],
        names: Sequence[str] | None,
    ) -> dict[str, float]:
        """The means of each subset, and the Shapley values."""
        self.modality_report = None
        subsets = names_of_subsets(labelled, type(self).__name__, "subset_instances")
        if not subsets:
            return {}
        found = {
            one: self._judge(truth, found_events(labelled, one), known).values
            for one in subsets
        }
        measures = {}
        for one, values in found.items():
            measures[f"{self.columns[self.main]}/{one}"] = float(
                np.nanmean(values[:, self.main])
            )
        there = [place for place, label in enumerate(known) if label in truth.labels]
        labels = [known[place] for place in there]
        classes = [
            (label, _name(label, names), int((truth.labels == label).sum()))
            for label in labels
        ]
        report = report_modalities(
            {one: self._mean(values[there]) for one, values in found.items()},
            WORTH,
            len(truth.labels),
            classes,
        )
        for name, value in self._keep_modalities(report).items():
            measures[name.replace(WORTH, "average_mAP")] = value
        return measures

    def _report(
        self,
        results: Sequence[Mapping],
        labelled: Sequence[Mapping],
        truth: Events,
        found: Events,
        judged: AveragePrecision,
        measures: Mapping[str, float],
    ) -> dict:
        """Plain types; a class without true events has None in place of values."""
        names = (self.dataset_meta or {}).get("classes")
        classes = []
        for label, values in zip(judged.classes, judged.values):
            own = [None if np.isnan(one) else float(one) for one in values]
            mean = None if own[0] is None else float(self._mean(values))
            classes.append(
                {
                    "label": label,
                    "class": _name(label, names),
                    "events": int((truth.labels == label).sum()),
                    "detections": int((found.labels == label).sum()),
                    "average_AP": mean,
                    **{name[1:]: one for name, one in zip(self.columns, own)},
                }
            )
        return dict(
            files=len(results),
            not_labelled=len(results) - len(labelled),
            not_read=sum(one["failed"] for one in results),
            events=len(truth.labels),
            detections=len(found.labels),
            measures=dict(measures),
            classes=classes,
        )

    def _warn_of_empty_classes(
        self, judged: AveragePrecision, names: Sequence[str] | None
    ) -> None:
        empty = np.isnan(judged.values).all(1)
        if empty.any():
            which = [
                _name(label, names)
                for label, none in zip(judged.classes, empty)
                if none
            ]
            more = ", ..." if len(which) > SHOWN else ""
            self._warn(
                f"{len(which)} of {len(empty)} classes have no true event and are left "
                f"out of the mean: {', '.join(which[:SHOWN])}{more}"
            )


def median_or_nothing(name: str, values: np.ndarray) -> dict[str, float]:
    """``{name: median}`` of at least one value."""
    return {name: float(np.median(values))} if values.size else {}


def _name(label: int, names: Sequence[str] | None) -> str:
    return str(names[label]) if names else str(label)
