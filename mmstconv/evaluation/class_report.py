"""Reports per class or file, and per subset of the modalities."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ..disk import refuse_foreign, write_own, write_own_json
from .outcomes import full_subset, members
from .shapley import shapley_values


def write_class_report(report: Mapping, out_dir: str | Path, stem: str) -> None:
    """``{stem}.json`` and ``{stem}.csv``, a line for each class.

    Args:
        report: Plain types; ``classes`` is a list of flat dicts of the same keys.
        out_dir: Is made.
        stem: Of both names.

    Raises:
        ForeignFile: A file of such a name is there that was not written here.
    """
    folder = Path(out_dir)
    folder.mkdir(parents=True, exist_ok=True)
    values, table = (folder / f"{stem}{suffix}" for suffix in (".json", ".csv"))
    refuse_foreign([values, table])
    write_own_json(values, report, indent=1, allow_nan=False)
    with io.StringIO(newline="") as file:
        writer = csv.DictWriter(file, list(report["classes"][0]))
        writer.writeheader()
        writer.writerows(report["classes"])
        write_own(table, file.getvalue())


def report_modalities(
    values: Mapping[str, np.ndarray],
    worth: str,
    samples: int,
    classes: Sequence[tuple[int, str, int]] = (),
    unit: str = "%",
) -> dict:
    """What each modality brought, as :func:`~.report.make_report` words it.

    The measures of all are the means over the values; so are the Shapley values, which
    are linear.

    Args:
        values: ``{subset: (C,)}`` of all subsets: of each class or of each sample, or a
            single one of all.
        worth: What the values are.
        samples: How many they are of.
        classes: Of values that are of classes: label, name and how many samples each.
        unit: Of the values; ``%``: they are shares.
    """
    full = full_subset(values)
    modalities = [members(one)[0] for one in values if len(members(one)) == 1]
    gains = shapley_values({members(one): value for one, value in values.items()})
    columns = {f"{worth}/{subset}": value for subset, value in values.items()}
    columns |= {f"shapley/{name}": gains[name] for name in modalities}

    def group(rows: slice, count: int) -> dict:
        measures = {name: float(one[rows].mean()) for name, one in columns.items()}
        return dict(
            samples=count,
            measures=measures,
            counts=dict.fromkeys(measures, count),
            weights={},
        )

    fused = float(values[full].mean())
    best = max(modalities, key=lambda name: values[name].mean())
    reached = float(values[best].mean())
    return dict(
        worth=worth,
        unit=unit,
        modalities=modalities,
        subsets=list(values),
        overall=group(slice(None), samples),
        classes=[
            dict(label=label, name=name, **group(slice(place, place + 1), count))
            for place, (label, name, count) in enumerate(classes)
        ],
        best_stream=dict(
            name=f"{best} alone",
            accuracy=reached,
            fused=fused,
            margin=fused - reached,
            samples=samples,
        ),
        calibration=None,
    )
