"""The files say what the metric says, and can be read."""

from __future__ import annotations

import csv
import json
from itertools import combinations

import cv2
import numpy as np
import pytest
import torch
from mmaction.registry import METRICS

from mmstconv.evaluation.report import to_text

MODALITIES = ("rgb", "flow", "audio")
SUBSETS = [
    "+".join(own) or "none"
    for size in range(len(MODALITIES) + 1)
    for own in combinations(MODALITIES, size)
]
NAMES = ["warm, rising", 'so-called "cool"', "5 $ a pound", "Ärger", "all"]


def random_samples(count, classes, steps=0, seed=0):
    """Random answers; sound in most files; the last class never occurs."""
    rng = np.random.default_rng(seed)
    for place in range(count):
        has = {name: name != "audio" or rng.random() < 0.7 for name in MODALITIES}
        one = dict(
            gt_label=torch.tensor([place % (classes - 1)]),
            presence=has,
            subset_scores={
                subset: torch.tensor(rng.dirichlet(np.ones(classes)))
                for subset in SUBSETS
            },
            stream_scores={
                name: torch.tensor(rng.dirichlet(np.ones(classes)))
                for name in MODALITIES
                if has[name]
            },
        )
        if steps:
            shares = rng.dirichlet(np.ones(len(MODALITIES)), size=steps)
            one["modality_weights"] = dict(zip(MODALITIES, torch.tensor(shares.T)))
        yield one


def write(folder, count=120, classes=5, steps=3, names=NAMES):
    metric = METRICS.build(dict(type="ModalityMetric", out_dir=str(folder)))
    metric.dataset_meta = dict(classes=names) if names else {}
    metric.process(None, list(random_samples(count, classes, steps)))
    flat = metric.evaluate(count)
    report = json.loads((folder / "modality_report.json").read_text("utf-8"))
    return flat, report


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report") / "made" / "when needed"
    return folder, *write(folder)


def read_csv(folder):
    with open(folder / "modality_report.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_json_says_what_is_logged(written):
    _, flat, report = written
    logged = {key.removeprefix("modality/"): value for key, value in flat.items()}
    assert logged.pop("margin/best_stream") == report["best_stream"]["margin"]
    ece = report["calibration"]["ece"]
    assert list(ece) == SUBSETS and logged.pop("ece/fused") == ece["rgb+flow+audio"]
    assert report["overall"]["measures"] == logged
    assert report["modalities"] == list(MODALITIES)
    assert report["subsets"] == SUBSETS


def test_csv_says_what_json_says(written):
    folder, _, report = written
    overall, *rows = read_csv(folder)
    assert (overall["label"], overall["class"]) == ("", "all")
    groups = report["classes"]
    assert [(int(row["label"]), row["class"]) for row in rows] == [
        (label, NAMES[label]) for label in range(4)
    ]
    for row, group in zip([overall, *rows], [report["overall"], *groups]):
        assert int(row["samples"]) == group["samples"]
        numbers = {
            key: float(value)
            for key, value in row.items()
            if key not in ("label", "class", "samples") and value != ""
        }
        assert numbers == group["measures"]


def test_classes_add_up_to_the_whole(written):
    """Accuracies, and so Shapley values, are means over samples."""
    _, _, report = written
    measures = report["overall"]["measures"]
    for measure, value in measures.items():
        parts = [
            (group["counts"].get(measure, 0), group["measures"].get(measure, 0.0))
            for group in report["classes"]
        ]
        total = sum(count for count, _ in parts)
        assert total == report["overall"]["counts"][measure]
        mean = sum(count * part for count, part in parts) / total
        assert mean == pytest.approx(value, abs=1e-9), measure


def test_shapley_values_sum_to_full_minus_none(written):
    _, _, report = written
    for group in (report["overall"], *report["classes"]):
        one = group["measures"]
        total = sum(one[f"shapley/{name}"] for name in MODALITIES)
        gain = one["acc/rgb+flow+audio"] - one["acc/none"]
        assert total == pytest.approx(gain, abs=1e-9)


def test_the_four_cases_of_a_pair_are_everything(written):
    _, _, report = written
    measures = report["overall"]["measures"]
    for first, second in combinations(MODALITIES, 2):
        pair = f"complement/{first}+{second}/"
        shares = [measures[key] for key in measures if key.startswith(pair)]
        assert len(shares) == 4
        assert sum(shares) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("classes", "steps"), [(5, 3), (5, 1), (3, 0), (60, 3)], ids=str
)
@pytest.mark.filterwarnings("error::UserWarning")
def test_the_figure_is_a_figure(tmp_path, classes, steps):
    write(tmp_path, count=2 * classes, classes=classes, steps=steps, names=None)
    path = tmp_path / "modality_report.png"
    assert path.stat().st_size > 20_000
    picture = cv2.imread(str(path)).astype(np.int64)
    height, width, _ = picture.shape
    assert 1200 < width < 2500 and 500 < height < 2500
    assert len(np.unique(picture @ [65536, 256, 1])) > 50  # colours


def test_without_class_names(tmp_path):
    _, report = write(tmp_path, names=None)
    assert [one["name"] for one in report["classes"]] == ["0", "1", "2", "3"]


def test_text(written):
    _, _, report = written
    tables = to_text(report).split("\n\n")
    subsets, shapley, presence, pairs, errors, bins, verdict = tables
    measures, counts = report["overall"]["measures"], report["overall"]["counts"]
    assert [line.split() for line in subsets.splitlines()[1:]] == [
        [
            subset,
            f"{100 * measures[f'acc/{subset}']:.2f}",
            "120",
            f"{100 * measures[f'acc_having/{subset}']:.2f}",
            str(counts[f"acc_having/{subset}"]),
        ]
        for subset in SUBSETS
    ]
    for line, name in zip(shapley.splitlines()[1:], MODALITIES):
        assert line.split()[:2] == [name, f"{100 * measures[f'shapley/{name}']:.2f}"]
    having, lacking = counts["acc_with/audio"], counts["acc_without/audio"]
    assert having + lacking == 120
    numbers = ["acc_with/audio", "acc_taken_away/audio", "shapley_with/audio"]
    cells = [f"{100 * measures[number]:.2f}" for number in numbers]
    without = f"{100 * measures['acc_without/audio']:.2f}"
    assert [line.split() for line in presence.splitlines()[1:]] == [
        ["audio", str(having), *cells, str(lacking), without]
    ]
    assert len(pairs.splitlines()) == 4
    assert verdict.endswith(f"{100 * report['best_stream']['margin']:+.2f} points.")
    said = report["calibration"]
    assert [line.split() for line in errors.splitlines()[1:]] == [
        [
            subset,
            *(f"{100 * said[key][subset]:.2f}" for key in ("ece", "chance")),
            "120",
        ]
        for subset in SUBSETS
    ]
    assert len(bins.splitlines()) == 1 + len(said["bins"]) > 5
    for table in tables[:-1]:
        assert len({len(line) for line in table.splitlines()}) == 1


def test_calibration_with_a_temperature():
    """Of each subset as predicted and at temperature 1; bad files do not count."""
    plain = list(random_samples(60, 5))
    _, report = evaluate(plain)
    unscaled = report["calibration"]
    assert unscaled["temperature"] == 1 and unscaled["ece"] == unscaled["ece_plain"]
    assert "at temperature 1" not in to_text(report)
    scaled = [
        dict(
            one,
            temperature=2.0,
            subset_scores={
                name: (p.log() / 2).softmax(0)
                for name, p in one["subset_scores"].items()
            },
        )
        for one in plain
    ]
    bad = [dict(one, failure="no video in it") for one in scaled[:7]]
    _, report = evaluate([*scaled, *bad])
    found = report["calibration"]
    assert (found["temperature"], found["samples"]) == (2, 60)
    assert sum(one["samples"] for one in found["bins"]) == 60
    assert found["ece_plain"] == pytest.approx(unscaled["ece"], abs=1e-6)
    assert found["ece"]["rgb"] < 0.9 * found["ece_plain"]["rgb"]  # these are too sure
    assert "at temperature 1 %" in to_text(report)


def test_calibration_where_no_file_could_be_read():
    bad = [dict(one, failure="no video in it") for one in random_samples(6, 5)]
    found, report = evaluate(bad)
    assert report["calibration"] is None and "modality/ece/fused" not in found
    assert "calibration" not in to_text(report)


def evaluate(samples):
    metric = METRICS.build(dict(type="ModalityMetric"))
    metric.process(None, samples)
    return metric.evaluate(len(samples)), metric.report
