"""Reports on detected events: per class, per subset of the modalities, as files."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ..disk import refuse_foreign, write_own, write_own_json
from .outcomes import full_subset, members
from .shapley import shapley_values

#: What the report on modalities judges by.
WORTH = "average mAP"


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
    labels: Sequence[int],
    names: Sequence[str],
    counts: Sequence[int],
    worth: str = WORTH,
) -> dict:
    """What each modality brought, as :func:`~.report.make_report` words it.

    The measures of all are the means over classes; so are the Shapley values, which
    are linear.

    Args:
        values: ``{subset: (C,)}`` of all subsets, of classes with true events.
        labels: Of the C classes.
        names: Of the C classes.
        counts: Of their true events.
        worth: What the values are.
    """
    full = full_subset(values)
    modalities = [members(one)[0] for one in values if len(members(one)) == 1]
    gains = shapley_values({members(one): value for one, value in values.items()})
    columns = {f"{worth}/{subset}": value for subset, value in values.items()}
    columns |= {f"shapley/{name}": gains[name] for name in modalities}

    def group(rows: slice, count: int) -> dict:
        measures = {name: float(one[rows].mean()) for name, one in columns.items()}
        return dict(
            samples=int(count),
            measures=measures,
            counts=dict.fromkeys(measures, int(count)),
            weights={},
        )

    fused = float(values[full].mean())
    best = max(modalities, key=lambda name: values[name].mean())
    reached = float(values[best].mean())
    return dict(
        worth=worth,
        modalities=modalities,
        subsets=list(values),
        overall=group(slice(None), sum(counts)),
        classes=[
            dict(label=label, name=name, **group(slice(place, place + 1), count))
            for place, (label, name, count) in enumerate(zip(labels, names, counts))
        ],
        best_stream=dict(
            name=f"{best} alone",
            accuracy=reached,
            fused=fused,
            margin=fused - reached,
            samples=int(sum(counts)),
        ),
        calibration=None,
    )


def write_activitynet(
    results: Sequence[Mapping], names: Sequence[str] | None, path: str | Path
) -> None:
    """The detections as ActivityNet's result file: version, results, external_data.

    An instant is a segment that starts when it ends.

    A video is known by the ``video_id`` of its data sample, else by the name of its
    file without the ending; where two files share that, by their whole paths.

    Raises:
        ForeignFile: There is such a file that was not written here.
    """
    own = [one["video"] or Path(one["name"]).stem for one in results]
    places = {(video, one["name"]) for video, one in zip(own, results)}
    shared = {video for video, n in Counter(v for v, _ in places).items() if n > 1}
    listed: dict[str, list] = {}
    for video, one in zip(own, results):
        events = listed.setdefault(one["name"] if video in shared else video, [])
        found = one["found"]
        for times, label, score in zip(
            found["times"], found["labels"], found["scores"]
        ):
            name = str(names[label]) if names else str(label)
            segment = np.broadcast_to(times, 2).tolist()
            events.append(dict(score=float(score), segment=segment, label=name))
    content = dict(version="VERSION 1.3", results=listed, external_data={})
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_own_json(path, content, allow_nan=False)
