"""The metric of summaries, through MMEngine, against films rated by hand."""

from __future__ import annotations

import csv
import json
import pickle

import numpy as np
import pytest
import torch
from mmaction.registry import METRICS
from mmaction.structures import ActionDataSample
from mmengine.evaluator import Evaluator
from mmengine.hooks import CheckpointHook

from mmstconv.evaluation import gathering

# ten shots of two steps; two users, of whom the second likes shot 7 alone
RISING = np.repeat(np.arange(10) / 10, 2)
SECOND = np.repeat([0.0] * 7 + [1.0] + [0.0] * 2, 2)
SHOTS = [[first, first + 1] for first in range(0, 20, 2)]
# rgb knows the order, audio its reverse; nothing is known without both
SUBSETS = {
    "none": np.full(20, 0.5),
    "rgb": RISING,
    "audio": -RISING,
    "rgb+audio": RISING,
}


def film(name="a.mp4", subsets=False, **truth):
    """In the dtypes that heads write."""
    sample = ActionDataSample()
    sample.set_metainfo(dict(filename=name))
    fields = truth or dict(
        user_importance=np.stack([RISING, SECOND]), change_points=np.array(SHOTS)
    )
    sample.set_metainfo(fields)
    sample.pred_importance = torch.tensor(RISING, dtype=torch.float32)
    if subsets:
        sample.subset_importance = {
            subset: torch.tensor(one, dtype=torch.float32)
            for subset, one in SUBSETS.items()
        }
    return sample


def evaluate(data_samples, **kwargs):
    """As a runner does it."""
    kwargs = dict(share=0.1, random_draws=20) | kwargs
    evaluator = Evaluator(METRICS.build(dict(type="SummaryMetric", **kwargs)))
    evaluator.dataset_meta = {}
    evaluator.process(data_samples)
    return evaluator.evaluate(len(data_samples))


def test_against_films_rated_by_hand():
    """Two of twenty steps fit: shot 9; the users chose 9 and 7."""
    found = evaluate([film(), film("b.mp4")])
    assert found["summary/f1"] == pytest.approx(0.5)
    assert evaluate([film()], protocol="summe")["summary/f1"] == 1
    # by ranks: 45 pairs of shots, 4 each; of the second user 7 - 2 of 9 agree
    tau = (7 - 2) / np.sqrt(45 * 9) * np.sqrt(45 * 4 * 9 * 4 / (180 * 36))
    assert found["summary/tau"] == pytest.approx((1 + tau) / 2)
    ranks = np.repeat(np.arange(10), 2)
    rho = np.corrcoef(ranks, SECOND)[0, 1]  # two values: any two ranks will do
    assert found["summary/rho"] == pytest.approx((1 + rho) / 2)


def test_chosen_frames_of_an_annotation():
    """Frames, picks and shots as TVSum's and SumMe's files have them."""
    users = np.zeros((2, 200))
    users[0, 180:200] = users[1, 100:120] = 1
    more = dict(
        user_summary=users,
        change_points=np.array([[10 * a, 10 * b + 9] for a, b in SHOTS]),
        n_frames=200,
        picks=np.arange(0, 200, 10),
    )
    found = evaluate([film(**more)])
    assert found["summary/f1"] == pytest.approx(0.5)
    assert evaluate([film(**more)], protocol="summe")["summary/f1"] == 1
    assert found["summary/rho"] == pytest.approx(
        np.mean([np.corrcoef(RISING, users[row, ::10])[0, 1] for row in (0, 1)])
    )


def test_scores_alone():
    """Without shots there is an order, but no summary."""
    found = evaluate([film(gt_importance=torch.tensor(RISING))])
    assert found == {"summary/tau": pytest.approx(1), "summary/rho": pytest.approx(1)}


def test_subsets():
    found = evaluate([film(subsets=True)])
    whole = found["summary/rho"]
    expected = {"none": 0, "rgb": whole, "audio": -whole, "rgb+audio": whole}
    for subset, value in expected.items():
        assert found[f"summary/rho/{subset}"] == pytest.approx(value)
    # of two players half of the sum of both gains
    assert found["summary/shapley/rgb"] == pytest.approx((whole + 2 * whole) / 2)
    assert found["summary/shapley/audio"] == pytest.approx((-whole + 0) / 2)
    assert found["summary/f1/rgb"] == found["summary/f1"]
    assert found["summary/margin/best_stream"] == 0


def test_random_row():
    """Of ten shots a random one is the user's in a tenth; the same each time."""
    found = evaluate([film(), film("b.mp4")], random_draws=400)
    # the mean of two users' hits: sd of a draw 0.2
    assert found["summary/f1_random"] == pytest.approx(0.1, abs=4 * 0.2 / np.sqrt(800))
    other = film("b.mp4", gt_importance=torch.tensor(-RISING), change_points=SHOTS)
    found = evaluate([film(), other])["summary/f1_random"]
    turned = evaluate([other, film()])["summary/f1_random"]
    assert found == turned != evaluate([film(), other], seed=1)["summary/f1_random"]
    metric = METRICS.build(dict(type="SummaryMetric", random_draws=5))
    rows = []
    for _ in range(2):
        metric.process(None, [film().to_dict()])
        rows.append(metric.evaluate(1)["summary/f1_random"])
    assert rows[0] == rows[1]


def test_reports(tmp_path):
    found = evaluate([film(subsets=True), film("b.mp4", True)], out_dir=tmp_path)
    report = json.loads((tmp_path / "summary_report.json").read_text())
    measures = {f"summary/{name}": one for name, one in report["measures"].items()}
    assert measures == pytest.approx(found)
    assert report["random"] == dict(f1=found["summary/f1_random"], tau=0, rho=0)
    with open(tmp_path / "summary_report.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["file"] for row in rows] == ["a.mp4", "b.mp4"]
    assert float(rows[0]["rho/audio"]) == pytest.approx(found["summary/rho/audio"])
    shared = json.loads((tmp_path / "summary_modality_report.json").read_text())
    assert shared["overall"]["measures"]["rho/rgb"] == found["summary/rho/rgb"]
    assert (
        (tmp_path / "summary_modality_report.png").read_bytes().startswith(b"\x89PNG")
    )


def test_without_truth(warnings, tmp_path):
    """Left out, and said; a broken file counts."""
    silent = film("b.mp4", n_frames=None)
    broken = film("c.mp4")
    broken.set_metainfo(dict(failure="cannot be opened"))
    broken.pred_importance = torch.full((20,), 0.5)
    found = evaluate([film(), silent, broken], out_dir=tmp_path)
    assert any("1 of 3 files have no truth" in text for text in warnings())
    assert found["summary/rho"] == pytest.approx(evaluate([film()])["summary/rho"] / 2)
    report = json.loads((tmp_path / "summary_report.json").read_text())
    counts = [report[name] for name in ("files", "without_truth", "not_read")]
    assert counts == [3, 1, 1]
    assert evaluate([silent]) == {}
    assert any("nothing to measure" in text for text in warnings())


def test_results_travel_between_processes():
    metric = METRICS.build(dict(type="SummaryMetric", share=0.1, random_draws=20))
    listed = [film(subsets=True), film("b.mp4", True)]
    metric.process(None, [one.to_dict() for one in listed])
    there = gathering.unpack(pickle.loads(pickle.dumps(gathering.pack(metric.results))))
    found = {f"summary/{k}": v for k, v in metric.compute_metrics(there).items()}
    assert found == pytest.approx(evaluate(listed))


def test_the_best_rho_can_be_kept():
    """MMEngine does not know the word: the config says that more is better."""
    hook = CheckpointHook(save_best="summary/rho", rule="greater")
    assert hook.is_better_than["summary/rho"](0.6, 0.5)


def test_what_cannot_be_judged():
    users = np.zeros((2, 20))
    for message, more in (
        ("needs picks and n_frames", dict(user_summary=np.zeros((2, 200)))),
        ("picks and n_frames need each other", dict(user_summary=users, n_frames=20)),
        ("20 steps were predicted, but 7 frames are picked",
         dict(user_summary=users, n_frames=20, picks=np.arange(7))),
        (r"user_importance of shape \(2, 7\), expected \(users, 20\)",
         dict(user_importance=users[:, :7])),
        (r"user_summary of shape \(20,\)", dict(user_summary=users[0])),
        ("change_points do not follow",
         dict(user_importance=users, change_points=np.array([[0, 10], [10, 19]]))),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=r"SummaryMetric: a\.mp4.*" + message):
            evaluate([film(**more)])
    nothing = film()
    del nothing.pred_importance
    with pytest.raises(ValueError, match=r"a\.mp4 has no pred_importance"):
        evaluate([nothing])
    broken = film()
    broken.pred_importance = torch.full((20,), float("nan"))
    with pytest.raises(ValueError, match=r"expected \(20,\) finite numbers"):
        evaluate([broken])
    with pytest.raises(ValueError, match="other subset_importance"):
        evaluate([film(subsets=True), film("b.mp4")])
    with pytest.raises(ValueError, match="protocol='youtube'"):
        METRICS.build(dict(type="SummaryMetric", protocol="youtube"))
