"""The proof of event detection: from the demo's streams to a table of subsets."""

from __future__ import annotations

import csv
import io
import json
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent / "data"))
from demo_events import CLASSES, bound, invisible, label_of, redrawn
from demo_proofs import TOOLS, Place, Proof
from demo_timeline import Part

from mmstconv.disk import write_own
from mmstconv.evaluation.detection import (
    Events,
    average_precision,
    join_events,
    thresholds_of,
)
from mmstconv.evaluation.outcomes import members
from mmstconv.evaluation.shapley import shapley_values

CONFIG = (
    TOOLS.parent
    / "configs/event_detection/demo"
    / "pyramid_stconvnet-lstm_demo-events-rgb-flow-audio.py"
)
ALL = "rgb+flow+audio"
TIOU = thresholds_of("activitynet")
# Of all modalities; of one alone; of a class that it cannot perceive; seconds.
REQUIRED = {"mAP@0.50": 0.97, "average_mAP": 0.85}
ALONE = (0.25, 0.33)
HIDDEN = 0.08
EDGE = 0.060
REDRAWS = 20
SIGMAS = 3  # sampling noise that is no leak


def prove(place: Place) -> Proof:
    """Data, cached steps, training, test, and what came out."""
    cache = place.prepare(CONFIG, "make_event_dataset.py")
    write_starts(place)
    samples = place.train_and_test(CONFIG, options_of(place, cache))
    measured = measure(samples)
    return Proof(table(measured), judge(measured), measured)


def options_of(place: Place, cache: Path) -> list[str]:
    """``--cfg-options``: where the data and the cache are."""
    options = []
    for dataset in (
        "train_dataloader.dataset.dataset",
        "val_dataloader.dataset",
        "test_dataloader.dataset",
    ):
        options += [
            f"{dataset}.ann_file={place.data / 'events.json'}",
            f"{dataset}.data_prefix.video={place.data / 'videos'}",
            f"{dataset}.metainfo.classes={place.data / 'classes.txt'}",
            f"{dataset}.pipeline.0.cache={cache}",
        ]
    return options


def write_starts(place: Place) -> None:
    """When events begin, a table for each subset: the truth of the spotting config."""
    database = json.loads((place.data / "events.json").read_text())["database"]
    for subset in ("training", "validation", "test"):
        with io.StringIO(newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["file", "time", "label"])
            for name, film in database.items():
                if film["subset"] == subset:
                    for event in film["annotations"]:
                        writer.writerow([name, event["segment"][0], event["label"]])
            write_own(place.work_dir / f"starts_{subset}.csv", file.getvalue())


def measure(samples: list[dict]) -> dict:
    """Precision of each subset beside its bound, Shapley values, errors of edges."""
    truth = as_events([one["gt_instances"] for one in samples])
    timelines = timelines_of(samples)
    subsets, worth = {}, {}
    for name in samples[0]["subset_instances"]:
        found = as_events([one["subset_instances"][name] for one in samples])
        judged = average_precision(truth, found, TIOU, range(len(CLASSES)))
        hidden = [CLASSES.index(one) for one in invisible(name)]
        worth[members(name)] = float(judged.mean.mean())
        subsets[name] = {
            "mAP@0.50": float(judged.mean[0]),
            "average_mAP": worth[members(name)],
            "bound": bound(timelines, name),
            "hidden": float(judged.values[hidden, 0].max(initial=0)),
        }
        if name == ALL:
            places = judged.matches[:, 0]
            errors = np.abs(found.times - truth.times[places])[places >= 0]
        elif len(members(name)) == 1:
            subsets[name]["redrawn"] = scores_of_redrawn(name, timelines, found)
    return dict(
        subsets=subsets,
        shapley={k: float(v) for k, v in shapley_values(worth).items()},
        edge_error=float(np.median(errors)),
        events=len(truth.labels),
    )


def scores_of_redrawn(name: str, timelines: list, found: Events) -> tuple[float, float]:
    """Mean and deviation of mAP@0.5 when what a modality cannot know is drawn anew."""
    rng, scores = np.random.default_rng(0), []
    for _ in range(REDRAWS):
        other = redrawn(timelines, name, rng)
        truth = join_events(
            [np.array([p[:2] for p in one], float).reshape(-1, 2) for one in other],
            [np.array([CLASSES.index(label_of(p)) for p in one], int) for one in other],
        )
        judged = average_precision(truth, found, TIOU[:1], range(len(CLASSES)))
        scores.append(judged.mean[0])
    return float(np.mean(scores)), float(np.std(scores))


def as_events(instances: list[dict]) -> Events:
    columns = [[np.asarray(one[key]) for one in instances] for key in
               ("segments", "labels")]  # fmt: skip
    scores = None
    if "scores" in instances[0]:
        scores = [np.asarray(one["scores"]) for one in instances]
    return join_events(*columns, scores)


def timelines_of(samples: list[dict]) -> list[list[Part]]:
    """The events of each film, as they were drawn."""
    timelines = []
    for one in samples:
        rows = zip(one["gt_instances"]["segments"], one["gt_instances"]["labels"])
        parts = [
            Part(float(edges[0]), float(edges[1]), *CLASSES[int(label)].split("_"))
            for edges, label in rows
        ]
        timelines.append(sorted(parts))
    return timelines


def table(measured: dict) -> str:
    lines = [f"{'events':16s}{'mAP@0.5':>9s}{'bound':>8s}{'0.5:0.95':>10s}"]
    lines[0] += f"{'hidden':>8s}{'redrawn':>16s}"
    for name, one in measured["subsets"].items():
        line = f"{name:16s}{one['mAP@0.50']:9.3f}{one['bound']:8.3f}"
        line += f"{one['average_mAP']:10.3f}{one['hidden']:8.3f}"
        if "redrawn" in one:
            line += "{:10.3f} +-{:.3f}".format(*one["redrawn"])
        lines.append(line)
    gains = measured["shapley"]
    shares = ", ".join(f"{name} {gains[name]:.3f}" for name in members(ALL))
    lines.append(f"Shapley values of the mAP over 0.5:0.95: {shares}")
    lines.append(f"median error of an edge: {1000 * measured['edge_error']:.0f} ms")
    return "\n".join(lines)


def judge(measured: dict) -> list[str]:
    """What is not as it must be."""
    faults = []
    for key, least in REQUIRED.items():
        reached = measured["subsets"][ALL][key]
        if reached < least:
            faults.append(f"events: {key} is {reached:.3f} < {least} required")
    if measured["edge_error"] > EDGE:
        faults.append(f"events: edges are off by {measured['edge_error']:.3f} s")
    for name, one in measured["subsets"].items():
        if len(members(name)) != 1:
            continue
        low, high = ALONE
        if not low <= one["mAP@0.50"] <= high:
            faults.append(f"events: {name} reaches {one['mAP@0.50']:.3f}, not in "
                          f"{low} to {high}")  # fmt: skip
        if one["hidden"] > HIDDEN:
            faults.append(
                f"events: {name} finds a class that it cannot perceive "
                f"({one['hidden']:.3f}): the data leak it"
            )
        mean, deviation = one["redrawn"]
        if abs(one["mAP@0.50"] - mean) > SIGMAS * deviation:
            faults.append(
                f"events: {name} reaches {one['mAP@0.50']:.3f}, and {mean:.3f} "
                f"+- {deviation:.3f} when what it cannot know is redrawn"
            )
    return faults
