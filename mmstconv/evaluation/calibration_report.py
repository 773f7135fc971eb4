"""How sure predictions are and how often right, in the report on modalities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .calibration import calibration_error, error_by_chance, reliability
from .outcomes import Outcomes


def report_calibration(outcomes: Outcomes) -> dict | None:
    """Expected calibration error of each subset.

    Returns:
        ``temperature``, ``ece``, ``ece_plain`` (at a temperature of 1) and ``chance``
        (what so few samples show where there is no error) of each subset,
        ``samples``, and ``bins`` of all modalities as
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
        chance={
            subset: error_by_chance(said)
            for subset, said in outcomes.confidence.items()
        },
        samples=sum(one["samples"] for one in bins),
        bins=bins,
    )


def calibration_tables(found: Mapping) -> list[list[list[str]]]:
    """Rows of two tables: the error of each subset, and the bins of all modalities."""
    scaled = found["temperature"] != 1
    columns = {"calibration error %": "ece", "by chance %": "chance"}
    if scaled:
        columns["at temperature 1 %"] = "ece_plain"
    rows = [["modalities", *columns, "samples"]]
    for subset in found["ece"]:
        cells = [f"{100 * found[key][subset]:.2f}" for key in columns.values()]
        rows.append([subset, *cells, str(found["samples"])])
    return [rows, reliability_rows(found["bins"])]


def reliability_rows(bins: Sequence[Mapping]) -> list[list[str]]:
    """Rows of a table in percent, the header first."""
    rows = [["confidence", "said %", "right %", "samples"]]
    for one in bins:
        span = f"{100 * one['low']:.0f} to {100 * one['high']:.0f}"
        said, right = (f"{100 * one[key]:.1f}" for key in ("confidence", "accuracy"))
        rows.append([span, said, right, str(one["samples"])])
    return rows
