"""Errors of predicted frames, as an MMEngine metric."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from mmaction.registry import METRICS

from .class_report import report_modalities
from .frame_samples import read_frames, read_seen
from .frames import BASELINES, MEASURES, PerceptualDistance
from .outcomes import members
from .reporting_metric import ReportingMetric
from .sample_fields import name_of, names_of_subsets

#: What the modalities are judged by, as a larger value of it is better.
WORTH = "psnr_range1"
#: Where a frame is met exactly, its PSNR counts as this much, in dB; it is infinite.
MOST_PSNR = 100.0
LPIPS = "lpips_alex"


@METRICS.register_module()
class FrameMetric(ReportingMetric):
    """Errors of the frames that were predicted, means over samples and frames.

    Reads ``pred_frames``, float ``(C, T, H, W)`` in 0..1, and ``gt_frames``, uint8 of
    the same shape; where there is ``subset_frames`` ``{subset: (C, T, H, W)}``, also
    what was predicted from each subset of the modalities. T may differ from sample to
    sample. Frames are taken as 0..1; before clipping means that predictions beyond it
    stay there. Logged, after the prefix:

    - ``mse_sum``, ``mae_sum``: summed over C, H, W, before clipping; "MSE" and "MAE"
      of OpenSTL's tables. ``mse_pixel``, ``mae_pixel``: the mean over C, H, W.
    - ``psnr_range1``: of clipped frames, of each frame, data range 1; at most 100 dB.
    - ``ssim_uniform7_range1``, ``ssim_gauss11_range1``: of clipped frames, data range
      1, with 7 x 7 equal weights (scikit-image's default) or 11 x 11 Gaussian ones of
      sigma 1.5 (Wang et al. 2004).
    - ``lpips_alex``, with ``lpips=True`` and where it can be computed.
    - each with ``/last_frame`` and ``/flow``: of the last frame seen again and again,
      and of its pixels moved on (:mod:`~.frames`), with ``baselines=True``.
    - each with ``/{subset}``: by what is heard and seen; and, where all subsets were
      predicted, ``shapley/{modality}``, exact, of ``psnr_range1``, and
      ``margin/best_stream``, that of all modalities minus that of the best one.

    The report has the same for each horizon. Samples that could not be read, and those
    without truth, are left out, and a warning says how many.

    Args:
        measures: Names of those that are wanted; None: all but LPIPS.
        baselines: Whether to judge forecasts without a model too. They are made of the
            ``rgb`` input as the loader gives it, uint8 ``(1, 3, T, H, W)``.
        lpips: Whether to compute LPIPS where it is installed; where it is not, a
            warning says so.
        out_dir: Write ``frames_report.json`` and ``.csv`` (a line for each horizon)
            here; with all subsets also ``frames_modality_report.json``, ``.csv`` and
            ``.png``. With another prefix that is in the place of ``frames``. None:
            only log.
        collect_device: Of ``BaseMetric``.
        prefix: Of ``BaseMetric``. None: ``frames``.
        collect_dir: Of ``BaseMetric``.

    Raises:
        ValueError: There is no such measure; a data sample has no ``pred_frames``, or
            frames of another shape than the truth.
    """

    default_prefix = "frames"

    def __init__(
        self,
        measures: Sequence[str] | None = None,
        *,
        baselines: bool = False,
        lpips: bool = False,
        out_dir: str | Path | None = None,
        collect_device: str = "cpu",
        prefix: str | None = None,
        collect_dir: str | None = None,
    ) -> None:
        super().__init__(
            out_dir,
            collect_device=collect_device,
            prefix=prefix,
            collect_dir=collect_dir,
        )
        names = list(MEASURES) if measures is None else list(measures)
        unknown = [name for name in names if name not in MEASURES]
        if unknown or not names:
            raise ValueError(
                f"measures must be some of {list(MEASURES)}, got {unknown or names}"
            )
        self.baselines = baselines
        self.functions = {name: MEASURES[name] for name in names}
        if lpips:
            try:
                self.functions[LPIPS] = PerceptualDistance()
            except ImportError as error:
                self._warn(f"{LPIPS} is left out: {error}")

    def process(self, data_batch: Mapping, data_samples: Sequence[Mapping]) -> None:
        """Keep of each sample its errors by horizon."""
        for place, sample in enumerate(data_samples):
            name = name_of(sample)
            frames = read_frames(sample)
            result = dict(name=name, failed="failure" in sample, found={})
            if not result["failed"] and frames.true is not None:
                forecasts = {"": frames.predicted}
                for subset, one in frames.subsets.items():
                    forecasts[f"/{subset}"] = one
                if self.baselines:
                    seen = read_seen(data_batch, place, frames.true.shape, name)
                    for baseline, forecast in BASELINES.items():
                        count = frames.true.shape[1]
                        forecasts[f"/{baseline}"] = forecast(seen, count)
                result["found"] = self._judge(forecasts, frames.true)
                result["subsets"] = list(frames.subsets)
            self.results.append(result)

    def _judge(self, forecasts: Mapping, true: np.ndarray) -> dict[str, np.ndarray]:
        """``{measure and what was forecast from: (T,)}``."""
        found = {}
        for name, measure in self.functions.items():
            for ending, forecast in forecasts.items():
                values = measure(forecast, true)
                if name == WORTH:
                    values = np.minimum(values, MOST_PSNR)
                found[name + ending] = values
        return found

    def compute_metrics(self, results: Sequence[Mapping]) -> dict[str, float]:
        read = [one for one in results if not one["failed"]]
        self._warn_left_out(read, results, "files could not be read")
        usable = [one for one in read if one["found"]]
        self._warn_left_out(usable, read, "samples have no gt_frames")
        if not usable:
            self._warn("no sample has frames to compare, nothing to measure")
            return {}
        subsets = names_of_subsets(usable, type(self).__name__, "subset_frames")
        keys = list(usable[0]["found"])
        measures = {
            key: float(np.concatenate([one["found"][key] for one in usable]).mean())
            for key in keys
        }
        measures |= self._modalities(usable, subsets)
        self.report = dict(
            samples=len(usable),
            not_read=len(results) - len(read),
            without_truth=len(read) - len(usable),
            measures=measures,
            classes=_by_horizon(usable, keys),
        )
        self._write()
        return measures

    def _modalities(
        self, usable: Sequence[Mapping], subsets: Sequence[str]
    ) -> dict[str, float]:
        """Shapley values, where each subset of the modalities was predicted."""
        self.modality_report = None
        players = set().union(*map(members, subsets))
        whole = subsets and len(subsets) == 2 ** len(players)
        if WORTH not in self.functions or not whole:
            return {}
        worth = {
            one: np.array([x["found"][f"{WORTH}/{one}"].mean() for x in usable])
            for one in subsets
        }
        report = report_modalities(worth, WORTH, len(usable), unit="dB")
        measures = self._keep_modalities(report)
        return {key: v for key, v in measures.items() if not key.startswith(WORTH)}


def _by_horizon(usable: Sequence[Mapping], keys: Sequence[str]) -> list[dict]:
    """A row for each horizon, of the samples that reach it."""
    longest = max(len(one["found"][keys[0]]) for one in usable)
    rows = []
    for k in range(longest):
        there = [one["found"] for one in usable if len(one["found"][keys[0]]) > k]
        means = {key: float(np.mean([one[key][k] for one in there])) for key in keys}
        rows.append(dict(horizon=k + 1, samples=len(there), **means))
    return rows
