"""Average precision by samples and by classes, against naive sums and scikit-learn."""

from __future__ import annotations

import json
import logging
import math
import warnings

import numpy as np
import pytest
import torch
from mmaction.registry import METRICS
from mmengine.logging import MMLogger
from sklearn.metrics import average_precision_score

from mmstconv.evaluation.outcomes import surprise_of_several
from mmstconv.evaluation.report import to_text

SUBSETS = ("none", "rgb", "audio", "rgb+audio")
# of 4 classes, the last of which never occurs; one sample has none
LABELS = np.array(
    [[1, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 0], [1, 1, 1, 0], [0, 0, 1, 0]]
)
HAS_SOUND = (True, True, True, False, True)


def average_precision(scores, right):
    """Of one ranking, in float64: precision at each right one's place, ties together.

    By definition: the sum over the distinct thresholds of the gain in recall times
    the precision there.
    """
    scores, right = np.float64(scores), np.asarray(right) == 1
    value, before = 0.0, 0.0
    for threshold in sorted(set(scores), reverse=True):
        chosen = scores >= threshold
        recall = (chosen & right).sum() / right.sum()
        value += (recall - before) * (chosen & right).sum() / chosen.sum()
        before = recall
    return value


def drawn(seed=0, classes=4):
    """Scores with ties, ``{subset: (N, C)}`` and those of the streams."""
    rng = np.random.default_rng(seed)
    shape = (len(LABELS), classes)
    names = (*SUBSETS, "stream_rgb", "stream_audio")
    return {name: np.float32(rng.integers(1, 8, shape) / 8) for name in names}


def samples(scores, average="prob"):
    for row, labels in enumerate(LABELS):
        own = {name: torch.from_numpy(one[row]) for name, one in scores.items()}
        has = dict(rgb=True, audio=HAS_SOUND[row])
        yield dict(
            filename=f"{row}.mp4",
            gt_label=torch.tensor(labels, dtype=torch.float32),
            pred_score=own["rgb+audio"],
            presence=has,
            multi_class=True,
            average_clips=average,
            subset_scores={name: own[name] for name in SUBSETS},
            stream_scores={n: own[f"stream_{n}"] for n, here in has.items() if here},
        )


def evaluate(data_samples, kind="ModalityMetric", **kwargs):
    metric = METRICS.build(dict(type=kind, **kwargs))
    metric.dataset_meta = dict(classes=["cool", "down", "fall", "never"])
    data_samples = list(data_samples)
    metric.process(None, data_samples)
    return metric.evaluate(len(data_samples))


def test_every_subset_against_naive_sums(tmp_path):
    scores = drawn()
    found = evaluate(samples(scores), out_dir=tmp_path, prefix="m")
    known = [row for row in range(len(LABELS)) if LABELS[row].any()]
    ap = {
        name: {row: average_precision(one[row], LABELS[row]) for row in known}
        for name, one in scores.items()
    }
    expected = {f"map/{n}": np.mean(list(ap[n].values())) for n in SUBSETS}
    sounding = [row for row in known if HAS_SOUND[row]]
    for name in SUBSETS:
        rows = sounding if "audio" in name else known
        expected[f"map_having/{name}"] = np.mean([ap[name][row] for row in rows])
    expected["map/stream_rgb"] = np.mean(list(ap["stream_rgb"].values()))
    expected["map/stream_audio"] = np.mean([ap["stream_audio"][r] for r in sounding])
    v = {name: expected[f"map/{name}"] for name in SUBSETS}
    for one, other in (("rgb", "audio"), ("audio", "rgb")):
        gain = v[one] - v["none"] + v["rgb+audio"] - v[other]
        expected[f"shapley/{one}"] = gain / 2
    silent = [row for row in known if not HAS_SOUND[row]]
    joint = {row: ap["rgb+audio"][row] for row in known}
    gains = [
        (ap["audio"][row] - ap["none"][row] + joint[row] - ap["rgb"][row]) / 2
        for row in sounding
    ]
    expected["map_with/audio"] = np.mean([joint[row] for row in sounding])
    expected["map_taken_away/audio"] = np.mean([ap["rgb"][row] for row in sounding])
    expected["map_without/audio"] = np.mean([joint[row] for row in silent])
    expected["shapley_with/audio"] = np.mean(gains)

    def nll(name, rows):
        p, y = np.float64(scores[name][rows]), LABELS[rows]
        return np.mean(-(y * np.log(p) + (1 - y) * np.log(np.maximum(1 - p, 1e-38))))

    expected["nll/fused"] = nll("rgb+audio", list(range(5)))
    expected["nll/stream_rgb"] = nll("stream_rgb", list(range(5)))
    expected["nll/stream_audio"] = nll("stream_audio", [0, 1, 2, 4])
    margin = found.pop("m/margin/best_stream")
    assert found == pytest.approx({f"m/{k}": x for k, x in expected.items()}, abs=1e-6)
    assert margin <= v["rgb+audio"] - max(v["rgb"], v["audio"]) + 1e-9
    assert not any("complement" in key for key in found)

    report = json.loads((tmp_path / "modality_report.json").read_text("utf-8"))
    assert [one["name"] for one in report["classes"]] == ["cool", "down", "fall"]
    for one in report["classes"]:  # over the samples that have the class
        rows = np.flatnonzero(LABELS[:, one["label"]])
        assert one["samples"] == len(rows)
        for name in SUBSETS:
            mean = np.mean([ap[name][row] for row in rows])
            assert one["measures"][f"map/{name}"] == pytest.approx(mean)
    assert report["overall"]["samples"] == 5
    assert report["overall"]["counts"]["map/rgb"] == 4
    text = to_text(report)
    assert "mAP of samples %" in text and "both right" not in text
    assert (tmp_path / "modality_report.png").stat().st_size > 10_000


def test_means_over_classes_and_samples_are_scikit_learns():
    scores = drawn(1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # MMAction2 divides by zero positives
        found = evaluate(samples(scores), "GatheredAccMetric")
    p = scores["rgb+audio"]
    by_class = [average_precision_score(LABELS[:, c], p[:, c]) for c in range(3)]
    by_sample = [average_precision_score(LABELS[n], p[n]) for n in (0, 1, 3, 4)]
    assert found == pytest.approx(
        {
            "acc/mean_average_precision": np.mean(by_class),
            "acc/mmit_mean_average_precision": np.mean(by_sample),
        }
    )
    # where MMAction2's own is defined, it is the same
    some = [one for one in samples(scores) if one["gt_label"].any()]
    kinds = ("mean_average_precision", "mmit_mean_average_precision")
    with np.errstate(all="ignore"):
        theirs = evaluate(some, "AccMetric", metric_list=kinds)
    assert evaluate(some, "GatheredAccMetric") == pytest.approx(theirs)
    assert evaluate(some, "GatheredAccMetric", metric_list=kinds) == pytest.approx(
        theirs
    )


def test_surprise_of_logits_and_probabilities():
    logits, right = np.array([-200.0, -1.0, 0.5, 200.0]), np.array([0, 1, 0.25, 1])
    p = 1 / (1 + np.exp(-np.clip(logits, -80, 80)))
    y = right
    expected = np.mean(-(y[1:3] * np.log(p[1:3]) + (1 - y[1:3]) * np.log(1 - p[1:3])))
    assert surprise_of_several(logits, right, True) == pytest.approx(expected / 2)
    assert surprise_of_several(p, right, False) == pytest.approx(expected / 2, abs=1e-6)
    worst = surprise_of_several(np.array([0.0]), np.array([1]), False)
    assert worst == pytest.approx(87.3, abs=0.1)


def test_no_sample_has_a_class(caplog):
    logger = MMLogger.get_instance("several", logger_name="several")
    logger.addHandler(caplog.handler)
    empty = [dict(one, gt_label=torch.zeros(4)) for one in samples(drawn())]
    assert evaluate(empty) == {}
    assert any("no sample has a class" in r.getMessage() for r in caplog.records
               if r.levelno >= logging.WARNING)  # fmt: skip
    assert all(map(math.isnan, evaluate(empty, "GatheredAccMetric").values()))


def test_labels_of_another_size_are_named():
    one = next(samples(drawn()))
    wrong = dict(one, gt_label=torch.tensor([0, 2]))
    with pytest.raises(ValueError, match=r"0\.mp4 has gt_label of shape \(2,\)"):
        evaluate([wrong])
    with pytest.raises(ValueError, match=r"labels of \[2\] entries, expected .* 4 cla"):
        evaluate([wrong], "GatheredAccMetric")


def test_top_k_of_all_classes_is_left_out():
    """It is always 1."""
    rng = np.random.default_rng(0)
    for classes, topk, left in (
        (5, (1, 5), {"top1"}),
        (6, (1, 5), {"top1", "top5"}),
        (2, (1, 2, 3), {"top1"}),
        (3, 3, set()),
        (1, (1, 5), set()),
    ):
        metric = METRICS.build(
            dict(
                type="GatheredAccMetric",
                metric_list="top_k_accuracy",
                metric_options=dict(top_k_accuracy=dict(topk=topk)),
            )
        )
        scores = torch.tensor(rng.random((20, classes)))
        labels = torch.tensor(rng.integers(0, classes, (20, 1)))
        metric.process(None, [dict(pred_score=scores[n], gt_label=labels[n])
                              for n in range(20)])  # fmt: skip
        found = metric.evaluate(20)
        assert set(found) == {f"acc/{name}" for name in left}, classes
        assert set(metric.names(classes, False)) == left
        for key, value in found.items():
            k = int(key[-1])
            best = scores.topk(k, dim=1).indices
            assert value == pytest.approx((best == labels).any(1).float().mean().item())
