"""Agreement of summaries with users, as an MMEngine metric."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from mmaction.registry import METRICS

from .class_report import report_modalities
from .reporting_metric import ReportingMetric
from .sample_fields import name_of, names_of_subsets
from .summary import RatedVideo, over_users, random_f1
from .summary.shots import SHARE
from .summary_samples import read_importance, read_rated_video

MEASURES = ("f1", "tau", "rho")


@METRICS.register_module()
class SummaryMetric(ReportingMetric):
    """F1 and rank correlations of importance with what users said, means over videos.

    Reads ``pred_importance`` ``(T,)`` and, where the head has ``score_subsets``,
    ``subset_importance`` ``{subset: (T,)}``; of the truth ``user_summary`` ``(U,
    n_frames)`` or ``user_importance`` ``(U, T)`` (or ``gt_importance`` ``(T,)``, which
    is then a single user), ``change_points`` ``(S, 2)``, ``n_frames`` and ``picks``
    ``(T,)``. Without ``n_frames`` and ``picks``, steps are the frames. Logged, after
    the prefix:

    - ``f1``: agreement of the chosen shots with those of users, 0 to 1; of videos with
      ``change_points``. ``f1_random``: the expected value for scores drawn by lot.
    - ``tau``, ``rho``: Kendall's and Spearman's rank correlation, per user, then the
      mean; of scores drawn by lot 0. ``save_best="summary/rho"`` needs
      ``rule="greater"``.
    - ``f1/{subset}``, ``tau/{subset}``, ``rho/{subset}``: by what is heard and seen.
    - ``shapley/{modality}``: exact, of ``rho``; random scores come close to people in
      F1 (Otani et al. 2019), but not in the order.
    - ``margin/best_stream``: ``rho`` of all modalities minus that of the best single
      one. Negative is also a warning in the log.

    How it is counted, and where the evaluations in use differ, is said at
    :mod:`~.summary`. Files that could not be read count like all others; files without
    truth are left out, and a warning says how many.

    Args:
        protocol: ``tvsum``: F1 is the mean over users; ``summe``: the best of them.
        share: Length of a summary, as a share of the video's.
        random_draws: How many random scores of each video are averaged.
        seed: Of these.
        out_dir: Write ``summary_report.json`` and ``.csv`` (a line for each file) here;
            with subsets also ``summary_modality_report.json``, ``.csv`` and ``.png``.
            With another prefix that is in the place of ``summary``. None: only log.
        collect_device: Of ``BaseMetric``.
        prefix: Of ``BaseMetric``. None: ``summary``.
        collect_dir: Of ``BaseMetric``.

    Raises:
        ValueError: There is no such protocol; a data sample has no
            ``pred_importance``, or truth of another length.
    """

    default_prefix = "summary"

    def __init__(
        self,
        protocol: str = "tvsum",
        *,
        share: float = SHARE,
        random_draws: int = 100,
        seed: int = 0,
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
        over_users(np.zeros(1), protocol)  # is there such a one
        self.protocol = protocol
        self.share = share
        self.random_draws = random_draws
        self.seed = seed
        self._random: dict[str, float] = {}  # of each file, the same each time

    def process(self, data_batch: object, data_samples: Sequence[Mapping]) -> None:
        """Keep of each file its measures."""
        for sample in data_samples:
            name = name_of(sample)
            scores = read_importance(sample)
            video = read_rated_video(sample, len(scores["pred_importance"]))
            if video is not None and video.change_points is not None:
                # chosen once for all subsets and random scores
                chosen = video.users_summaries(self.share)
                video = video._replace(user_summary=chosen)
            whole = scores.pop("pred_importance")
            self.results.append(
                dict(
                    name=name,
                    failed="failure" in sample,
                    labelled=video is not None,
                    all={} if video is None else self._judge(video, whole),
                    subsets={}
                    if video is None
                    else {one: self._judge(video, s) for one, s in scores.items()},
                    random=self._expected(video, name),
                )
            )

    def compute_metrics(self, results: Sequence[Mapping]) -> dict[str, float]:
        labelled = [one for one in results if one["labelled"]]
        self._warn_left_out(labelled, results, "files have no truth")
        if not labelled:
            self._warn("no file has truth, nothing to measure")
            return {}
        measures = _means([one["all"] for one in labelled])
        if "f1" in measures:
            measures["f1_random"] = float(
                np.nanmean([one["random"] for one in labelled])
            )
        measures |= self._subsets(labelled)
        self.report = dict(
            protocol=self.protocol,
            share=self.share,
            files=len(results),
            without_truth=len(results) - len(labelled),
            not_read=sum(one["failed"] for one in results),
            measures=measures,
            random=dict(f1=measures.get("f1_random"), tau=0.0, rho=0.0),
            classes=[_row(one) for one in labelled],
        )
        self._write()
        return measures

    def _judge(self, video: RatedVideo, scores: np.ndarray) -> dict[str, float]:
        """NaN: cannot be had."""
        tau, rho = video.correlations(scores)
        f1 = float("nan")
        if video.change_points is not None:
            f1 = video.f1(scores, self.protocol, self.share)
        return dict(f1=f1, tau=tau, rho=rho)

    def _expected(self, video: RatedVideo | None, name: str) -> float:
        if video is None or video.change_points is None:
            return float("nan")
        if name not in self._random:
            seed = (self.seed, zlib.crc32(name.encode("utf-8", "surrogateescape")))
            self._random[name] = random_f1(
                video, self.protocol, self.share, self.random_draws, seed
            )
        return self._random[name]

    def _subsets(self, labelled: Sequence[Mapping]) -> dict[str, float]:
        """The means of each subset, and the Shapley values of rho."""
        self.modality_report = None
        names = names_of_subsets(labelled, type(self).__name__, "subset_importance")
        if not names:
            return {}
        found = {}
        for name in names:
            means = _means([one["subsets"][name] for one in labelled])
            found |= {f"{measure}/{name}": value for measure, value in means.items()}
        rho = {
            n: np.array([one["subsets"][n]["rho"] for one in labelled]) for n in names
        }
        report = report_modalities(rho, "rho", len(labelled))
        return found | self._keep_modalities(report)


def _means(found: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Over the files that have a measure; left out if none has."""
    columns = {name: np.array([one[name] for one in found]) for name in MEASURES}
    return {
        name: float(np.nanmean(values))
        for name, values in columns.items()
        if not np.isnan(values).all()
    }


def _row(one: Mapping) -> dict:
    values = {**one["all"], "f1_random": one["random"]}
    for subset, found in one["subsets"].items():
        values |= {f"{name}/{subset}": found[name] for name in MEASURES}
    clean = {name: None if np.isnan(v) else v for name, v in values.items()}
    return dict(file=one["name"], not_read=one["failed"], **clean)
