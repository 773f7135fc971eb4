"""What metrics share that write reports of their own."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log

from ..disk import refuse_foreign, write_own_json
from .class_report import write_class_report
from .gathering import GatheredResults
from .report import write_report


class ReportingMetric(GatheredResults, BaseMetric):
    """A metric that writes ``{prefix}_report`` and ``{prefix}_modality_report``.

    MMEngine wants another prefix of each metric of an evaluator, so several may write
    into one folder.

    Args:
        out_dir: Write the reports here. None: only log.
        collect_device: Of ``BaseMetric``.
        prefix: Of ``BaseMetric``.
        collect_dir: Of ``BaseMetric``.
    """

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
        self.report: dict | None = None  # the last ones, in the main process
        self.modality_report: dict | None = None

    def _keep_modalities(self, report: dict) -> dict[str, float]:
        """The measures of a report on modalities; says if one of them is better."""
        self.modality_report = report
        best = report["best_stream"]
        if best["margin"] < 0:
            self._warn(f"all modalities are below {best['name']}")
        return {**report["overall"]["measures"], "margin/best_stream": best["margin"]}

    def _write(self) -> None:
        if self.out_dir is None:
            return
        try:
            self._write_reports(self.out_dir)
        except OSError as error:  # a training goes on without
            self._warn(f"the report was not written: {error}", logging.ERROR)

    def _write_reports(self, out_dir: str | Path) -> None:
        name = self.prefix.replace("/", "_")
        write_class_report(self.report, out_dir, f"{name}_report")
        if self.modality_report is not None:
            write_report(self.modality_report, out_dir, f"{name}_modality_report")

    def _warn_left_out(self, kept: Sequence, results: Sequence, what: str) -> None:
        """Says how many there are of what is not kept, if there are."""
        missing = len(results) - len(kept)
        if missing:
            self._warn(f"{missing} of {len(results)} {what} and are left out")

    def _warn(self, text: str, level: int = logging.WARNING) -> None:
        print_log(f"{type(self).__name__}: {text}", logger="current", level=level)


class ResultFileMetric(ReportingMetric):
    """A metric that also writes what was predicted, of files without truth too.

    Subclasses say what the file holds: ``_file_of``.

    Args:
        out_dir: Of :class:`ReportingMetric`.
        out_file: Write what was predicted here. None: do not.
        collect_device: Of ``BaseMetric``.
        prefix: Of ``BaseMetric``.
        collect_dir: Of ``BaseMetric``.

    Raises:
        ForeignFile: ``out_file`` is there and was not written here.
    """

    def __init__(
        self,
        out_dir: str | Path | None = None,
        out_file: str | Path | None = None,
        *,
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
        self.out_file = out_file
        if out_file is not None:  # before anything is computed
            refuse_foreign([out_file])

    def _file_of(self, results: Sequence[Mapping]) -> dict | list:
        """What is predicted, in JSON's types."""
        raise NotImplementedError

    def _write_file(self, results: Sequence[Mapping]) -> None:
        if self.out_file is None:
            return
        path = Path(self.out_file)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_own_json(path, self._file_of(results), allow_nan=False)
