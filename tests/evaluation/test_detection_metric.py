"""The metrics of events, through MMEngine, against tables counted by hand."""

from __future__ import annotations

import csv
import json
import pickle

import numpy as np
import pytest
import torch
from helpers_processes import in_two_processes
from mmaction.evaluation.functional.eval_detection import ActivityNetLocalization
from mmaction.registry import METRICS
from mmaction.structures import ActionDataSample
from mmengine.evaluator import Evaluator
from mmengine.model import BaseModel
from mmengine.runner import Runner
from mmengine.structures import InstanceData
from torch import nn
from torch.utils.data import DataLoader

from mmstconv.disk import ForeignFile, write_own
from mmstconv.evaluation import gathering
from mmstconv.evaluation.outcomes import members

CLASSES = ("jump", "run")
# start, end, label and, of what each set of modalities detects, score
TRUTH = {
    "a.mp4": [(0, 10, 0), (20, 30, 1)],
    "b.mp4": [(5, 9, 1)],
    "still.mp4": [],
}
DETECTED = {
    "none": {},
    "rgb": {"a.mp4": [(0, 10, 0, 0.9)]},
    "audio": {"a.mp4": [(21, 31, 1, 0.9)], "still.mp4": [(1, 2, 1, 0.95)]},
    "rgb+audio": {
        "a.mp4": [(0, 9, 0, 0.9), (21, 31, 1, 0.8), (40, 50, 0, 0.95)],
        "b.mp4": [(5, 9, 1, 0.6)],
        "still.mp4": [],
    },
}
# AP at a tIoU of 0.5 of jump and run; 21 to 31 overlaps by 9/11
AT_HALF = {"none": (0, 0), "rgb": (1, 0), "audio": (0, 0.25), "rgb+audio": (0.5, 1)}


def instances(rows, instants=False):
    """In the dtypes that heads write."""
    width = len(rows[0]) if rows else 4
    table = torch.tensor(rows, dtype=torch.float32).reshape(-1, width)
    found = dict(labels=table[:, 2].long())
    found.update({"times": table[:, 0]} if instants else {"segments": table[:, :2]})
    if table.shape[1] > 3:
        found["scores"] = table[:, 3]
    return InstanceData(**found)


def samples(subsets=True, instants=False):
    listed = []
    for name, truth in TRUTH.items():
        sample = ActionDataSample()
        sample.set_metainfo(dict(filename=f"/films/{name}"))
        sample.gt_instances = instances(truth, instants)
        found = {
            subset: instances(detected.get(name, []), instants)
            for subset, detected in DETECTED.items()
        }
        sample.pred_instances = found["rgb+audio"]
        if subsets:
            sample.subset_instances = found
        listed.append(sample)
    return listed


def evaluate(data_samples, kind="TemporalDetectionMetric", **kwargs):
    """As a runner does it."""
    evaluator = Evaluator(METRICS.build(dict(type=kind, **kwargs)))
    evaluator.dataset_meta = dict(classes=CLASSES)
    for start in range(0, len(data_samples), 2):
        evaluator.process(data_samples[start : start + 2])
    return evaluator.evaluate(len(data_samples))


def test_against_the_hand_made_table():
    found = evaluate(samples())
    assert found["detection/mAP@0.50"] == pytest.approx(0.75)
    # 0 to 9 has a tIoU of 0.9: there is no 0.95; 21 to 31 one of 0.818
    expected = [0.75] * 7 + [(0.5 + 0.25) / 2] * 2 + [0.125]
    values = [found[f"detection/mAP@{one:.2f}"] for one in np.linspace(0.5, 0.95, 10)]
    np.testing.assert_allclose(values, expected)
    assert found["detection/average_mAP"] == pytest.approx(np.mean(expected))
    for subset, values in AT_HALF.items():
        assert found[f"detection/mAP@0.50/{subset}"] == pytest.approx(np.mean(values))
    # errors of starts 0, 1, 0 and of ends 1, 1, 0
    assert found["detection/median_start_error"] == pytest.approx(0)
    assert found["detection/median_end_error"] == pytest.approx(1)
    assert found["detection/median_edge_error"] == pytest.approx(0.5)


def test_shapley_values():
    """Of two players half of the sum of both gains."""
    found = evaluate(samples())
    worth = {one: found[f"detection/average_mAP/{one}"] for one in DETECTED}
    rgb = (worth["rgb"] - worth["none"] + worth["rgb+audio"] - worth["audio"]) / 2
    assert found["detection/shapley/rgb"] == pytest.approx(rgb)
    total = found["detection/shapley/rgb"] + found["detection/shapley/audio"]
    assert total == pytest.approx(worth["rgb+audio"] - worth["none"])
    assert found["detection/average_mAP"] == pytest.approx(worth["rgb+audio"])
    assert found["detection/margin/best_stream"] == pytest.approx(
        worth["rgb+audio"] - max(worth["rgb"], worth["audio"])
    )


def test_average_recall():
    """Of two films with events 4 detections: all, or the best alone, which is wrong."""
    found = evaluate(samples(False), protocol="thumos", average_recall=2)
    assert found["detection/AR@2"] == 1
    assert evaluate(samples(False), average_recall=1)["detection/AR@1"] == 0
    names = [name for name in found if "subset" in name or "shapley" in name]
    assert not names and "detection/mAP@0.30" in found


def test_reports(tmp_path):
    folder = tmp_path / "reports"
    found = evaluate(samples(), out_dir=folder)
    report = json.loads((folder / "detection_report.json").read_text())
    measures = {f"detection/{name}": one for name, one in report["measures"].items()}
    assert measures == pytest.approx(found)
    jump, run = report["classes"]
    assert (jump["class"], jump["events"], jump["detections"]) == ("jump", 1, 2)
    assert [one["AP@0.50"] for one in (jump, run)] == [0.5, 1]
    with open(folder / "detection_report.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["class"] for row in rows] == list(CLASSES)
    assert float(rows[1]["AP@0.50"]) == 1
    shared = json.loads((folder / "detection_modality_report.json").read_text())
    names = {members(one) for one in shared["subsets"]}
    assert names == {members(one) for one in DETECTED}
    whole = shared["overall"]["measures"]["average mAP/rgb+audio"]
    assert whole == pytest.approx(found["detection/average_mAP"])
    assert [one["name"] for one in shared["classes"]] == list(CLASSES)
    picture = (folder / "detection_modality_report.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    evaluate(samples(), out_dir=folder)  # replaces its own


def test_result_file_is_judged_alike(tmp_path):
    """By MMAction2, from the files."""
    listed = samples()
    listed[1].set_metainfo(dict(video_id="other_id"))
    found = evaluate(listed, out_file=tmp_path / "new" / "found.json")
    content = json.loads((tmp_path / "new" / "found.json").read_text())
    assert set(content) == {"version", "results", "external_data"}
    assert set(content["results"]) == {"a", "other_id", "still"}
    ids = dict(zip(TRUTH, ("v_a", "v_other_id", "v_still")))
    truth = {
        ids[name]: dict(
            annotations=[dict(segment=row[:2], label=CLASSES[row[2]]) for row in rows]
        )
        for name, rows in TRUTH.items()
    }
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    judge = ActivityNetLocalization(
        str(tmp_path / "truth.json"), str(tmp_path / "new" / "found.json")
    )
    theirs, _ = judge.evaluate()
    ours = [found[f"detection/mAP@{one:.2f}"] for one in judge.tiou_thresholds]
    # a tIoU of 0.9 is more than 0.9 in their float32
    np.testing.assert_allclose(np.delete(ours, 8), np.delete(theirs, 8), atol=1e-6)


def test_result_file_of_instants(tmp_path):
    """Segments that start when they end, as the command ``detect`` writes them."""
    evaluate(
        samples(False, True), "TemporalSpottingMetric", out_file=tmp_path / "found.json"
    )
    results = json.loads((tmp_path / "found.json").read_text())["results"]
    found = {
        name: [(*one["segment"], one["label"]) for one in rows]
        for name, rows in results.items()
    }
    assert found == {
        "a": [(0, 0, "jump"), (21, 21, "run"), (40, 40, "jump")],
        "b": [(5, 5, "run")],
        "still": [],
    }
    theirs = tmp_path / "theirs.json"
    theirs.write_text("mine")
    with pytest.raises(ForeignFile, match=r"theirs\.json"):
        METRICS.build(dict(type="TemporalSpottingMetric", out_file=theirs))


def test_several_metrics_in_one_folder(tmp_path):
    """Each has its own reports, also of one kind with two prefixes."""
    evaluate(samples(), out_dir=tmp_path)
    evaluate(samples(), protocol="epic", prefix="by/epic", out_dir=tmp_path)
    instants = samples(instants=True)
    evaluate(instants, "TemporalSpottingMetric", out_dir=tmp_path)
    stems = {
        f"{name}_{kind}"
        for name in ("detection", "by_epic", "spotting")
        for kind in ("report", "modality_report")
    }
    assert {path.stem for path in tmp_path.glob("*.json")} == stems
    whole = json.loads((tmp_path / "detection_report.json").read_text())["measures"]
    assert "mAP@0.95" in whole


def test_files_of_one_name(tmp_path):
    listed = samples()[:2]
    listed[1].set_metainfo(dict(filename="/other/a.mp4"))
    evaluate(listed, out_file=tmp_path / "found.json")
    content = json.loads((tmp_path / "found.json").read_text())
    assert set(content["results"]) == {"/films/a.mp4", "/other/a.mp4"}


def test_a_file_of_the_user_stays(tmp_path):
    theirs = tmp_path / "found.json"
    theirs.write_text("mine")
    with pytest.raises(ForeignFile, match=r"found\.json"):
        METRICS.build(dict(type="TemporalDetectionMetric", out_file=theirs))
    write_own(tmp_path / "own.json", "{}")
    evaluate(samples(), out_file=tmp_path / "own.json")
    assert theirs.read_text() == "mine"


def test_what_is_not_labelled(tmp_path, warnings):
    """Is left out, said, and still in the result file; a broken file counts."""
    listed = samples(False)
    del listed[1].gt_instances
    found = evaluate(listed, out_dir=tmp_path, out_file=tmp_path / "found.json")
    assert any("1 of 3 files are not labelled" in text for text in warnings())
    assert "b" in json.loads((tmp_path / "found.json").read_text())["results"]
    assert found["detection/mAP@0.50"] == pytest.approx((0.5 + 1) / 2)
    listed[0].set_metainfo(dict(failure="cannot be opened"))
    listed[0].pred_instances = instances([])
    assert evaluate(listed, out_dir=tmp_path)["detection/mAP@0.50"] == 0
    report = json.loads((tmp_path / "detection_report.json").read_text())
    assert (report["not_read"], report["not_labelled"], report["files"]) == (1, 1, 3)
    for one in listed:
        if "gt_instances" in one:
            del one.gt_instances
    assert evaluate(listed) == {}
    assert any("nothing to measure" in text for text in warnings())


def test_a_class_without_events(warnings, tmp_path):
    listed = samples()
    listed[0].gt_instances = instances([(0, 10, 0)])
    listed[1].gt_instances = instances([])
    found = evaluate(listed, out_dir=tmp_path)
    assert found["detection/mAP@0.50"] == pytest.approx(0.5)
    assert any(
        "1 of 2 classes have no true event" in t and "run" in t for t in warnings()
    )
    report = json.loads((tmp_path / "detection_report.json").read_text())
    assert report["classes"][1]["AP@0.50"] is None


def test_all_modalities_below_one(warnings):
    listed = samples()
    for one in listed:
        one.subset_instances = {
            **one.subset_instances,
            "rgb+audio": one.subset_instances["none"],
        }
    assert evaluate(listed)["detection/margin/best_stream"] < 0
    assert any("all modalities are below rgb alone" in text for text in warnings())


def refused(message, change, **kwargs):
    listed = samples()
    change(listed[1])
    with pytest.raises(ValueError, match=message):
        evaluate(listed, **kwargs)


def test_what_cannot_be_judged(tmp_path):
    def put(field, value):
        return lambda one: setattr(one, field, value)

    good = [(5, 9, 1, 0.5)]
    refused(r"b\.mp4 has no pred_instances", lambda one: delattr(one, "pred_instances"))
    refused(
        r"b\.mp4: label 7 is not known, the data set has 2 classes.*jump",
        put("pred_instances", instances([(5, 9, 7, 0.5)])),
    )
    for label in (7, -1):  # also where the result file would name it
        for change in (lambda one: None, lambda one: delattr(one, "gt_instances")):

            def other(one, label=label, change=change):
                change(one)
                one.pred_instances = instances([(5, 9, label, 0.5)])

            refused(
                rf"b\.mp4: label {label} is not known, the data set has 2 classes",
                other,
                out_file=tmp_path / "found.json",
            )
    refused(
        r"b\.mp4: gt_instances: a segment ends before its start",
        put("gt_instances", instances([(9, 5, 1)])),
    )
    refused(
        r"b\.mp4: pred_instances: scores are not all finite",
        put("pred_instances", instances([(5, 9, 1, float("nan"))])),
    )
    refused(
        r"b\.mp4: pred_instances has no segments",
        put("pred_instances", instances(good, instants=True)),
    )
    flat = InstanceData(
        segments=torch.zeros(1), labels=torch.zeros(1), scores=torch.zeros(1)
    )
    refused(r"segments of shape \(1,\), expected \(1, 2\)", put("pred_instances", flat))
    refused(
        "expected the same subsets of every sample",
        put("subset_instances", dict(none=instances([]))),
    )
    refused("protocol='anet'.*activitynet", put("x", 1), protocol="anet")


def test_spotting():
    """The starts of the table; 21 is one second from 20."""
    found = evaluate(samples(True, True), "TemporalSpottingMetric")
    for name, run in (("0.10s", 0.5 * 0.5), ("0.50s", 0.5 * 0.5), ("1.00s", 1)):
        assert found[f"spotting/mAP@{name}"] == pytest.approx((0.5 + run) / 2)
    assert found["spotting/average_mAP"] == pytest.approx((0.375 * 3 + 0.75) / 4)
    assert found["spotting/median_time_error"] == pytest.approx(0)
    assert found["spotting/mAP@1.00s/rgb"] == pytest.approx(0.5)
    assert found["spotting/shapley/rgb"] > found["spotting/shapley/audio"]
    frames = dict(tolerances=(1, 2), frame_rate=2)
    found = evaluate(samples(False, True), "TemporalSpottingMetric", **frames)
    assert found["spotting/mAP@1f"] == pytest.approx(0.375)
    assert found["spotting/mAP@2f"] == pytest.approx(0.75)
    found = evaluate(
        samples(False, True), "TemporalSpottingMetric", protocol="soccernet_tight"
    )
    # in windows of 2 s on, half of which lies on either side, both runs are found
    assert found["spotting/mAP@2.00s"] == pytest.approx(0.75)
    tight = [found[f"spotting/mAP@{width}.00s"] for width in range(1, 6)]
    assert found["spotting/average_mAP"] == pytest.approx(
        (sum(tight) - (tight[0] + tight[-1]) / 2) / 4
    )


def test_tolerances_that_make_no_sense():
    for message, kwargs in (
        (
            "soccernet_loose has its own",
            dict(protocol="soccernet_loose", tolerances=[1]),
        ),
        ("needs tolerances, in frames", dict(frame_rate=25)),
        ("expected one of", dict(protocol="frames")),
    ):
        with pytest.raises(ValueError, match=message):
            METRICS.build(dict(type="TemporalSpottingMetric", **kwargs))


class Detects(BaseModel):
    """Learns nothing; gives better detections the later it is."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))

    def forward(self, inputs, data_samples=None, mode="tensor"):
        if mode == "loss":
            return dict(loss=(self.weight - 1) ** 2)
        epoch = float(self.weight) > 0.15  # after two steps of 0.1
        listed = samples()
        if not epoch:
            for one in listed:
                one.pred_instances = instances([])
        return listed


def test_the_best_checkpoint_is_kept(tmp_path):
    Runner(
        Detects(),
        str(tmp_path),
        train_dataloader=DataLoader([dict(inputs=torch.zeros(1))]),
        val_dataloader=DataLoader([dict(inputs=torch.zeros(1))] * 3, batch_size=3),
        train_cfg=dict(by_epoch=True, max_epochs=2),
        val_cfg=dict(),
        val_evaluator=dict(type="TemporalDetectionMetric"),
        optim_wrapper=dict(optimizer=dict(type="SGD", lr=0.05)),
        default_hooks=dict(
            checkpoint=dict(
                type="CheckpointHook", save_best="detection/average_mAP", interval=9
            )
        ),
        default_scope="mmaction",
        experiment_name="best_detection",
    ).train()
    kept = [path.name for path in tmp_path.glob("best*")]
    assert kept == ["best_detection_average_mAP_epoch_2.pth"]


def of_one_process(rank):
    """The second has padding: a file that the first has had."""
    mine = [samples()[place] for place in ((0, 2), (1, 0))[rank]]
    metric = METRICS.build(dict(type="TemporalDetectionMetric"))
    metric.dataset_meta = dict(classes=CLASSES)
    metric.process(None, [one.to_dict() for one in mine])
    return metric.evaluate(3)


def test_results_travel_between_processes():
    metric = METRICS.build(dict(type="TemporalDetectionMetric"))
    metric.dataset_meta = dict(classes=CLASSES)
    metric.process(None, [one.to_dict() for one in samples()])
    there = gathering.unpack(
        pickle.loads(pickle.dumps(gathering.pack(metric.results), protocol=5))
    )
    found = {f"detection/{k}": v for k, v in metric.compute_metrics(there).items()}
    assert found == pytest.approx(evaluate(samples()))


@pytest.mark.slow
def test_two_processes(tmp_path):
    first, second = in_two_processes(tmp_path, __file__, "of_one_process")
    assert first == second == pytest.approx(evaluate(samples()))
