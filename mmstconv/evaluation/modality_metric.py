"""What each modality brought, as an MMEngine metric."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from mmaction.evaluation import mmit_mean_average_precision
from mmaction.registry import METRICS
from mmengine.logging import print_log

from .calibration import at_temperature, to_probabilities
from .outcomes import (
    Outcomes,
    full_subset,
    members,
    surprise,
    surprise_of_several,
)
from .report import make_report, write_report
from .reporting_metric import ReportingMetric


@METRICS.register_module()
class ModalityMetric(ReportingMetric):
    """Accuracy of every subset of the modalities, and what follows from these.

    Needs a head with ``score_subsets``; any number of modalities. A sample that
    lacks a modality keeps its place in every subset, judged by what it has. Logged,
    after the prefix:

    - ``acc/{subset}``: top-1 accuracy, from ``acc/none`` to ``acc/rgb+flow+audio``;
      ``acc_having/{subset}``: over the samples with all of the subset's modalities;
      only if some sample lacks one.
    - ``acc/stream_{modality}``: of the stream's own classifier, over the samples
      that have the modality.
    - ``shapley/{modality}``: exact; they sum to the accuracy of all modalities
      minus that of none.
    - only if some sample lacks the modality: ``acc_with/{modality}`` and
      ``acc_without/{modality}``: accuracy of all modalities over the samples that
      have it and over those that lack it; ``acc_taken_away/{modality}``: of those
      that have it when it is taken away; ``shapley_with/{modality}``: over those that
      have it. Where few classes have the modality, ``shapley`` credits it with what
      its mere presence says; a large gap between ``acc_with`` and
      ``acc_taken_away`` is the sign (docs/fusion.md).
    - ``nll/fused``, ``nll/stream_{modality}``: mean negative log-likelihood, nats.
    - ``ece/fused``: expected calibration error of all modalities, 15 bins; files that
      could not be read do not count (docs/calibration.md).
    - ``complement/{a}+{b}/...``: shares of the samples with both modalities that
      ``both_right``, ``only_{a}``, ``only_{b}``, ``both_wrong`` when each is alone.
    - ``weight/{modality}``: mean share that the fusion operator gives the modality,
      over the samples that have it.
    - ``margin/best_stream``: accuracy of all modalities minus that of the best
      single one (alone under the fusion operator, or its stream's own classifier,
      on the samples that this judges). Negative is also a warning in the log.

    Scores may be probabilities (``average_clips='prob'``) or logits
    (``'score'``), see ``outcomes.surprise``.

    Of a head with ``multi_class``, where a sample may have several classes, ``map``
    stands in the place of ``acc``: the mean over samples of their average precision,
    as MMAction2's ``mmit_mean_average_precision``; samples without a class are left
    out. It is a mean over samples as accuracy is, so Shapley values, classes and
    streams are the same parts of it. ``nll`` is then binary cross entropy, the mean
    over classes; ``complement`` and ``ece`` are not defined.

    A head of any other task says itself what a sample is worth under each subset: with
    ``score_subsets`` its ``predict`` writes ``subset_worth`` ``{subset: value}`` into
    the data sample, values in 0..1, and ``worth_name`` into its metainfo. That name
    stands in the place of ``acc`` then; there are no classes, ``nll`` or
    ``complement``.

    Args:
        out_dir: Write ``modality_report.json``, ``.csv`` and ``.png`` here, with the
            same per class and the weights over time. None: only log.
        collect_device: Of ``BaseMetric``.
        prefix: Of ``BaseMetric``. None: ``modality``.
        collect_dir: Of ``BaseMetric``.

    Raises:
        ValueError: A data sample has no subset scores, scores that are not numbers,
            or several labels where the head has not ``multi_class``.
    """

    default_prefix = "modality"

    def process(self, data_batch: object, data_samples: Sequence[Mapping]) -> None:
        """Keep of each sample what the report needs: labels and a few numbers."""
        self.results.extend(_summary(sample) for sample in data_samples)

    def compute_metrics(self, results: Sequence[Mapping]) -> dict[str, float]:
        outcomes = Outcomes(results)
        if not outcomes.labels and outcomes.worth in ("acc", "map"):
            self._warn("no sample has a class, nothing to measure")
            return {}
        names = (self.dataset_meta or {}).get("classes")
        report = make_report(outcomes, names)
        _warn_of_a_better_stream(report)
        self.report = report
        self._write()
        measures = dict(report["overall"]["measures"])
        measures["margin/best_stream"] = report["best_stream"]["margin"]
        if report["calibration"]:
            measures["ece/fused"] = report["calibration"]["ece"][outcomes.full]
        return measures

    def _write_reports(self, out_dir: str | Path) -> None:
        write_report(self.report, out_dir)


def _summary(sample: Mapping) -> dict:
    """Plain values: these are collected from all processes."""
    where = sample.get("filename", "a data sample")
    if "subset_worth" in sample:
        return _own_worth(sample, where)
    if "subset_scores" not in sample:
        raise ValueError(
            f"ModalityMetric: {where} has neither subset_scores nor subset_worth: the "
            "head must be one with score_subsets=True (model.cls_head)"
        )
    judge = _of_several if sample.get("multi_class", False) else _of_one
    label, answer, nats = judge(sample, where)
    subsets = _arrays(sample["subset_scores"], where)
    streams = _arrays(sample.get("stream_scores") or {}, where)
    nll = {f"stream_{name}": nats(one) for name, one in streams.items()}
    nll["fused"] = nats(subsets[full_subset(subsets)])
    return dict(
        label=label,
        subsets={subset: answer(one) for subset, one in subsets.items()},
        has=_having(sample, subsets),
        streams={name: answer(one) for name, one in streams.items()},
        nll=nll,
        weights=_weights(sample),
        **({} if sample.get("multi_class", False) else _confidence(sample, subsets)),
    )


def _confidence(sample: Mapping, subsets: Mapping[str, np.ndarray]) -> dict:
    """Probability of the predicted class, by each subset; NaN if nothing was read."""
    temperature = sample.get("temperature", 1.0)
    said, plain = {}, {}
    for name, scores in subsets.items():
        p = to_probabilities(scores)
        said[name] = float("nan") if "failure" in sample else float(p.max())
        plain[name] = said[name]
        if temperature != 1 and "failure" not in sample:
            plain[name] = float(at_temperature(p, 1 / temperature).max())
    return dict(temperature=temperature, confidence=said, plain_confidence=plain)


def _own_worth(sample: Mapping, where: str) -> dict:
    """What a head has said itself of a sample."""
    worth = {name: float(value) for name, value in sample["subset_worth"].items()}
    wrong = [name for name, value in worth.items() if not 0 <= value <= 1]
    if wrong:
        raise ValueError(
            f"ModalityMetric: {where}: subset_worth of {wrong[0]!r} is "
            f"{worth[wrong[0]]}, expected a value from 0 to 1"
        )
    return dict(
        worth=sample.get("worth_name", "worth"),
        label=[],
        subsets=worth,
        has=_having(sample, worth),
        streams={},
        nll={},
        weights=_weights(sample),
    )


def _having(sample: Mapping, subsets: Mapping) -> list[str]:
    """The modalities that a sample has."""
    presence = sample.get("presence") or {}
    singles = [name for name in subsets if members(name) == (name,)]
    return [name for name in singles if presence.get(name, True)]


def _weights(sample: Mapping) -> dict[str, list[float]]:
    return {
        name: [float(share) for share in shares]
        for name, shares in (sample.get("modality_weights") or {}).items()
    }


def _of_one(sample: Mapping, where: str) -> tuple[int, Callable, Callable]:
    """The class, and functions of scores: the class they name, and the surprise."""
    if sample["gt_label"].numel() != 1:
        raise ValueError(
            f"ModalityMetric: {where} has gt_label of shape "
            f"{tuple(sample['gt_label'].shape)}, expected one label: for several set "
            "multi_class=True in cls_head"
        )
    label = int(sample["gt_label"])
    return label, lambda one: int(one.argmax()), lambda one: surprise(one, label)


def _of_several(sample: Mapping, where: str) -> tuple[list[int], Callable, Callable]:
    """The classes, and functions of scores: average precision, and the surprise."""
    right = sample["gt_label"].float().cpu().numpy()  # (C,)
    expected = tuple(next(iter(sample["subset_scores"].values())).shape)
    if right.shape != expected:
        raise ValueError(
            f"ModalityMetric: {where} has gt_label of shape {right.shape}, expected "
            f"yes or no of each class, {expected}, as multi_class=True of the data "
            "set gives it"
        )
    labels = np.flatnonzero(right == 1).tolist()
    logits = sample.get("average_clips") == "score"

    def precision(scores: np.ndarray) -> float:
        if not labels:
            return float("nan")
        return float(mmit_mean_average_precision([scores], [right]))

    return labels, precision, lambda one: surprise_of_several(one, right, logits)


def _arrays(scores: Mapping, where: str) -> dict[str, np.ndarray]:
    arrays = {name: one.float().cpu().numpy() for name, one in scores.items()}
    for name, one in arrays.items():
        if one.ndim != 1 or np.isnan(one).any():
            raise ValueError(
                f"ModalityMetric: {where}: scores of {name!r}: expected "
                f"(num_classes,) without NaN, got shape {one.shape} with "
                f"{int(np.isnan(one).sum())} NaN"
            )
    return arrays


def _warn_of_a_better_stream(report: Mapping) -> None:
    best = report["best_stream"]
    if best["margin"] >= 0:
        return
    print_log(
        f"{best['fused']:.1%} with all modalities is {-100 * best['margin']:.1f} "
        f"points below {best['name']}, {best['accuracy']:.1%} "
        f"({best['samples']} samples): the joint model loses to its best stream",
        logger="current",
        level=logging.WARNING,
    )
