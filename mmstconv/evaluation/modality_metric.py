"""What each modality brought, as an MMEngine metric."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from mmaction.registry import METRICS
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log

from .gathering import GatheredResults
from .outcomes import Outcomes, full_subset, members, surprise
from .report import make_report, write_report


@METRICS.register_module()
class ModalityMetric(GatheredResults, BaseMetric):
    """Accuracy of every subset of the modalities, and what follows from these.

    Needs a head with ``score_subsets=True``; any number of modalities. A sample that
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
    - ``complement/{a}+{b}/...``: shares of the samples with both modalities that
      ``both_right``, ``only_{a}``, ``only_{b}``, ``both_wrong`` when each is alone.
    - ``weight/{modality}``: mean share that the fusion operator gives the modality,
      over the samples that have it.
    - ``margin/best_stream``: accuracy of all modalities minus that of the best
      single one (alone under the fusion operator, or its stream's own classifier,
      on the samples that this judges). Negative is also a warning in the log.

    Scores may be probabilities (``average_clips='prob'``) or logits
    (``'score'``), see ``outcomes.surprise``.

    Args:
        out_dir: Write ``modality_report.json``, ``.csv`` and ``.png`` here, with the
            same per class and the weights over time. None: only log.
        collect_device: Of ``BaseMetric``.
        prefix: Of ``BaseMetric``. None: ``modality``.
        collect_dir: Of ``BaseMetric``.

    Raises:
        ValueError: A data sample has no subset scores, several labels, or scores
            that are not numbers.
    """

    default_prefix = "modality"

    def __init__(
        self,
        out_dir: str | Path | None = None,
        *,
        collect_device: str = "cpu",
        prefix: str | None = None,
        collect_dir: str | None = None,
    ) -> None:
        super().__init__(collect_device, prefix, collect_dir)
        self.out_dir = out_dir

    def process(self, data_batch: object, data_samples: Sequence[Mapping]) -> None:
        """Keep of each sample what the report needs: labels and a few numbers."""
        self.results.extend(_summary(sample) for sample in data_samples)

    def compute_metrics(self, results: Sequence[Mapping]) -> dict[str, float]:
        outcomes = Outcomes(results)
        names = (self.dataset_meta or {}).get("classes")
        report = make_report(outcomes, names)
        _warn_of_a_better_stream(report)
        if self.out_dir is not None:
            write_report(report, self.out_dir)
        margin = report["best_stream"]["margin"]
        return {**report["overall"]["measures"], "margin/best_stream": margin}


def _summary(sample: Mapping) -> dict:
    """Plain values: these are collected from all processes."""
    where = sample.get("filename", "a data sample")
    if "subset_scores" not in sample:
        raise ValueError(
            f"ModalityMetric: {where} has no subset_scores: the head must be a "
            "TriModalFusionHead with score_subsets=True (model.cls_head)"
        )
    if sample["gt_label"].numel() != 1:
        raise ValueError(
            f"ModalityMetric: {where} has gt_label of shape "
            f"{tuple(sample['gt_label'].shape)}, expected one label: accuracy of "
            "several labels at once is not defined here"
        )
    label = int(sample["gt_label"])
    subsets = _arrays(sample["subset_scores"], where)
    streams = _arrays(sample.get("stream_scores") or {}, where)
    singles = [name for name in subsets if members(name) == (name,)]
    presence = sample.get("presence") or {}
    nll = {f"stream_{name}": surprise(one, label) for name, one in streams.items()}
    nll["fused"] = surprise(subsets[full_subset(subsets)], label)
    return dict(
        label=label,
        subsets={subset: int(one.argmax()) for subset, one in subsets.items()},
        has=[name for name in singles if presence.get(name, True)],
        streams={name: int(one.argmax()) for name, one in streams.items()},
        nll=nll,
        weights={
            name: [float(share) for share in shares]
            for name, shares in (sample.get("modality_weights") or {}).items()
        },
    )


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
