"""The report on modalities: as plain values, as text, as files."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np

from ..disk import own_file, refuse_foreign, write_own, write_own_json
from .calibration_report import calibration_tables, report_calibration
from .outcomes import Outcomes, pair_measures, presence_measures

STEM = "modality_report"
_WORTHS = dict(acc="accuracy", map="mAP of samples")


def in_words(worth: str) -> str:
    """What samples are judged by; a name that a head gives it stays as it is."""
    return _WORTHS.get(worth, worth)


def make_report(outcomes: Outcomes, class_names: Sequence[str] | None = None) -> dict:
    """Means over all samples and over those of each class.

    Returns:
        ``worth`` (what ``outcomes`` judges by) and ``unit`` (``%`` of shares, else
        what the values are in), ``modalities`` and ``subsets`` (names, in order),
        ``overall`` (a group), ``classes`` (a list of groups with ``label`` and
        ``name``, of the labels that occur), ``best_stream`` and ``calibration`` (see
        :func:`~.calibration_report.report_calibration`). A group has ``samples``,
        ``measures`` ``{measure: mean}`` of what its samples say something of,
        ``counts`` ``{measure: over how many}`` and ``weights`` ``{modality: [share at
        each time step]}``. Plain types.
    """
    named = isinstance(class_names, Sequence) and not isinstance(class_names, str)
    classes = []
    for label in outcomes.labels:
        known = named and label < len(class_names)
        name = str(class_names[label]) if known else str(label)
        group = _group(outcomes, outcomes.rows_of(label))
        classes.append(dict(label=label, name=name, **group))
    return dict(
        worth=outcomes.worth,
        unit="%",
        modalities=list(outcomes.modalities),
        subsets=list(outcomes.subsets),
        overall=_group(outcomes, slice(None)),
        classes=classes,
        best_stream=_best_stream(outcomes),
        calibration=report_calibration(outcomes),
    )


def _group(outcomes: Outcomes, rows: np.ndarray | slice) -> dict:
    measures, counts = {}, {}
    for measure, column in outcomes.columns.items():
        values = column[rows]
        samples = len(values)
        values = values[~np.isnan(values)]
        if len(values):
            measures[measure], counts[measure] = float(values.mean()), len(values)
    weights = {
        name: np.nanmean(shares[rows], axis=0).tolist()
        for name, shares in outcomes.weights.items()
        if f"weight/{name}" in measures
    }
    return dict(samples=samples, measures=measures, counts=counts, weights=weights)


def _best_stream(outcomes: Outcomes) -> dict:
    """The single modality that all together beat by least, if at all.

    Each is compared on the samples that it judges: a classifier of sound has no
    answer for a file without.
    """
    rivals = {}
    for name in outcomes.modalities:
        rivals[f"{name} alone"] = f"{outcomes.worth}/{name}"
        classifier = f"the classifier of stream {name}"
        rivals[classifier] = f"{outcomes.worth}/stream_{name}"
    found = []
    for name, measure in rivals.items():
        if measure not in outcomes.columns:
            continue
        column = outcomes.columns[measure]
        rows = ~np.isnan(column)
        fused = outcomes.columns[f"{outcomes.worth}/{outcomes.full}"][rows]
        # of differences, so that equals differ by exactly zero
        margin = float((fused - column[rows]).sum() / rows.sum())
        found.append(
            dict(
                name=name,
                accuracy=float(column[rows].mean()),
                fused=float(fused.mean()),
                margin=margin,
                samples=int(rows.sum()),
            )
        )
    return min(found, key=lambda one: one["margin"])


def to_text(report: Mapping) -> str:
    """Tables for the terminal, in percent and points."""
    overall, modalities = report["overall"], report["modalities"]
    measures, counts = overall["measures"], overall["counts"]
    worth = report["worth"]

    def cell(measure: str) -> str:
        return f"{100 * measures[measure]:.2f}" if measure in measures else "-"

    def count(measure: str) -> str:
        return str(counts.get(measure, 0))

    rows = [["modalities", f"{in_words(worth)} %", "samples"]]
    partial = any(measure.startswith(f"{worth}_having/") for measure in measures)
    if partial:
        rows[0] += ["of files with all %", "files"]
    for subset in report["subsets"]:
        measure = f"{worth}/{subset}"
        row = [subset, cell(measure), count(measure)]
        if partial:
            measure = f"{worth}_having/{subset}"
            row += [cell(measure), count(measure)]
        rows.append(row)
    tables = [rows]

    rows = [["modality", "Shapley points", "own classifier %", "samples", "weight %"]]
    for name in modalities:
        stream = f"{worth}/stream_{name}"
        share = cell(f"weight/{name}")
        rows.append([name, cell(f"shapley/{name}"), cell(stream), count(stream), share])
    tables.append(rows)

    rows = [["modality", "files with it", f"{in_words(worth)} %", "taken away %"]]
    rows[0] += ["Shapley points", "files without", f"{in_words(worth)} %"]
    for name in modalities:
        having, taken, lacking, gain = presence_measures(name, worth)
        if lacking in measures:
            row = [name, count(having), cell(having), cell(taken), cell(gain)]
            rows.append([*row, count(lacking), cell(lacking)])
    if len(rows) > 1:
        tables.append(rows)

    rows = [["a, b", "both right %", "only a %", "only b %", "none %", "samples"]]
    for first, second in combinations(modalities if worth == "acc" else (), 2):
        cases = pair_measures(first, second)
        row = [f"{first}, {second}", *map(cell, cases), count(cases[0])]
        rows.append(row)
    if len(rows) > 1:
        tables.append(rows)

    if report["calibration"]:
        tables += calibration_tables(report["calibration"])

    best = report["best_stream"]
    verdict = (
        f"Best single modality: {best['name']}, {best['accuracy']:.2%} of "
        f"{best['samples']} samples.\nAll modalities together, on these samples: "
        f"{best['fused']:.2%}, {100 * best['margin']:+.2f} points."
    )
    return "\n\n".join([*map(align, tables), verdict])


def align(rows: Sequence[Sequence[str]]) -> str:
    """A table's rows as lines, the columns under each other."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths))
        ).rstrip()
        for row in rows
    )


def report_files(out_dir: str | Path, stem: str = STEM) -> list[Path]:
    """What :func:`write_report` writes."""
    return [Path(out_dir, stem + suffix) for suffix in (".json", ".csv", ".png")]


def write_report(report: Mapping, out_dir: str | Path, stem: str = STEM) -> None:
    """``{stem}.json``, ``.csv`` (a line per class) and ``.png``.

    Raises:
        ForeignFile: A file of such a name is there that was not written here.
    """
    from .figure import draw_report  # matplotlib takes a second to import

    folder = Path(out_dir)
    folder.mkdir(parents=True, exist_ok=True)
    values, table, picture = report_files(folder, stem)
    refuse_foreign([values, table, picture])
    write_own_json(values, report, indent=1, allow_nan=False)
    columns = list(report["overall"]["measures"])
    with io.StringIO(newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["label", "class", "samples", *columns])
        for group in (
            dict(report["overall"], label="", name="all"),
            *report["classes"],
        ):
            cells = [group["measures"].get(column, "") for column in columns]
            writer.writerow([group["label"], group["name"], group["samples"], *cells])
        write_own(table, file.getvalue())
    with own_file(picture) as part:
        draw_report(report).savefig(part, dpi=120, format="png")
