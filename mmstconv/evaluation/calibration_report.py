"""How sure predictions are and how often right, in the report on modalities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .calibration import calibration_error, reliability
from .outcomes import Outcomes


def report_calibration(outcomes: Outcomes) -> dict | None:
    """Expected calibration error of each subset.

    Returns:
        ``temperature``, ``ece`` and ``ece_plain`` (at a temperature of 1) of each
        subset, ``samples``, and ``bins`` of all modalities as
        :func:`~.calibration.reliability` gives them. None where samples may have
        several classes, or no file could be read.
    """
    if not outcomes.confidence:
        return None
    tables, plain = (
        {
            subset: reliability(said, outcomes.columns[f"acc/{subset}"])
            for subset, said in confidence.items()
        }
        for confidence in (outcomes.confidence, outcomes.plain_confidence)
    )
    bins = tables[outcomes.full]
    if not bins:
        return None
    return dict(
        temperature=outcomes.temperature,
        ece={subset: calibration_error(own) for subset, own in tables.items()},
        ece_plain={subset: calibration_error(own) for subset, own in plain.items()},
        samples=sum(one["samples"] for one in bins),
        bins=bins,
    )


def calibration_tables(found: Mapping) -> list[list[list[str]]]:
    """Rows of two tables: the error of each subset, and the bins of all modalities."""
    scaled = found["temperature"] != 1
    rows = [["modalities", "calibration error %", "samples"]]
    if scaled:
        rows[0].insert(2, "at temperature 1 %")
    for subset, error in found["ece"].items():
        row = [subset, f"{100 * error:.2f}", str(found["samples"])]
        if scaled:
            row.insert(2, f"{100 * found['ece_plain'][subset]:.2f}")
        rows.append(row)
    return [rows, reliability_rows(found["bins"])]


def reliability_rows(bins: Sequence[Mapping]) -> list[list[str]]:
    """Rows of a table in percent, the header first."""
    rows = [["confidence", "said %", "right %", "samples"]]
    for one in bins:
        span = f"{100 * one['low']:.0f} to {100 * one['high']:.0f}"
        said, right = (f"{100 * one[key]:.1f}" for key in ("confidence", "accuracy"))
        rows.append([span, said, right, str(one["samples"])])
    return rows
