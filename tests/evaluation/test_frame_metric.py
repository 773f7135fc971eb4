"""The metric of frames, through MMEngine, against means taken by hand."""

from __future__ import annotations

import csv
import json
import math

import numpy as np
import pytest
import torch
from mmaction.registry import METRICS
from mmaction.structures import ActionDataSample
from mmengine.evaluator import Evaluator

from mmstconv.evaluation.figure import draw_report
from mmstconv.evaluation.frames import MEASURES

SHAPE = (3, 4, 16, 16)
TRUE = (np.arange(math.prod(SHAPE)).reshape(SHAPE) * 7 % 251).astype(np.uint8)


def sample(name="a.mp4", error=0.1, true=TRUE, subsets=None, **metainfo):
    """A forecast that is ``error`` too bright everywhere."""
    one = ActionDataSample()
    one.set_metainfo(dict(filename=name, **metainfo))
    if true is not None:
        one.gt_frames = torch.from_numpy(true)
    shape = TRUE if true is None else true
    one.pred_frames = torch.from_numpy(shape / 255 + error).float()
    if subsets:
        one.subset_frames = {
            subset: torch.from_numpy(shape / 255 + amount).float()
            for subset, amount in subsets.items()
        }
    return one


def evaluate(samples, seen=None, **kwargs):
    """As a runner does it; the metric too."""
    metric = METRICS.build(dict(type="FrameMetric", **kwargs))
    evaluator = Evaluator(metric)
    evaluator.dataset_meta = {}
    evaluator.process(samples, dict(inputs=dict(rgb=seen)) if seen else None)
    return evaluator.evaluate(len(samples)), metric


def test_means_over_samples_and_frames():
    """Errors of .1 and .3 everywhere; squares, not their roots, are averaged."""
    found, metric = evaluate([sample(error=0.1), sample("b.mp4", error=0.3)])
    count = 3 * 16 * 16
    close = dict(rel=1e-5)
    assert found["frames/mse_pixel"] == pytest.approx((0.01 + 0.09) / 2, **close)
    assert found["frames/mse_sum"] == pytest.approx(count * 0.05, **close)
    assert found["frames/mae_pixel"] == pytest.approx(0.2, **close)
    assert found["frames/mae_sum"] == pytest.approx(count * 0.2, **close)
    assert set(found) == {f"frames/{name}" for name in MEASURES}
    for name, measure in MEASURES.items():  # the others: of the functions
        each = [measure((TRUE / 255 + e).astype(np.float32), TRUE) for e in (0.1, 0.3)]
        assert found[f"frames/{name}"] == pytest.approx(np.mean(each)), name
    assert metric.report["samples"] == 2


def test_by_horizon(tmp_path):
    """Samples of other lengths count at the horizons that they reach."""
    longer = np.concatenate([TRUE, TRUE[:, :2]], 1)
    samples = [sample(error=0.1), sample("b.mp4", error=0.3, true=longer)]
    found, metric = evaluate(samples, out_dir=str(tmp_path), measures=["mae_pixel"])
    rows = metric.report["classes"]
    assert [row["horizon"] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert [row["samples"] for row in rows] == [2, 2, 2, 2, 1, 1]
    values = [row["mae_pixel"] for row in rows]
    assert values == pytest.approx([0.2] * 4 + [0.3] * 2, rel=1e-5)
    assert found["frames/mae_pixel"] == pytest.approx((4 * 0.1 + 6 * 0.3) / 10)
    written = json.loads((tmp_path / "frames_report.json").read_text())
    assert written["measures"]["mae_pixel"] == found["frames/mae_pixel"]
    with (tmp_path / "frames_report.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 6


def test_exact_frames_have_a_finite_mean():
    exact = sample()
    exact.pred_frames = torch.from_numpy(TRUE / 255)
    found, _ = evaluate([exact])
    assert found["frames/psnr_range1"] == 100
    assert found["frames/ssim_uniform7_range1"] == pytest.approx(1)


def test_of_each_subset_and_what_a_modality_brought(tmp_path):
    """Sound takes the error from .2 to .1, pictures from .4 to .2: in dB, 6.02 each."""
    subsets = {"none": 0.4, "rgb": 0.2, "audio": 0.2, "rgb+audio": 0.1}
    one = sample(subsets=subsets, true=TRUE // 3 + 20)  # nothing is clipped
    found, metric = evaluate([one], out_dir=str(tmp_path), measures=["psnr_range1"])
    for subset, error in subsets.items():
        value = found[f"frames/psnr_range1/{subset}"]
        assert value == pytest.approx(-20 * math.log10(error), abs=1e-4), subset
    half = 20 * math.log10(2)
    assert found["frames/shapley/rgb"] == pytest.approx(half, abs=1e-4)
    assert found["frames/shapley/audio"] == pytest.approx(half, abs=1e-4)
    assert found["frames/margin/best_stream"] == pytest.approx(half, abs=1e-4)
    assert metric.modality_report["subsets"] == list(subsets)
    assert (tmp_path / "frames_modality_report.json").exists()


def test_the_picture_is_in_decibels():
    """As they are, not as shares of one, and all within the axes."""
    subsets = {"none": 0.4, "rgb": 0.2, "audio": 0.2, "rgb+audio": 0.1}
    one = sample(subsets=subsets, true=TRUE // 3 + 20)
    _, metric = evaluate([one], measures=["psnr_range1"])
    by_subset, by_modality, _ = draw_report(metric.modality_report).axes
    expected = [-20 * math.log10(error) for error in subsets.values()]
    lengths = [bar.get_width() for bar in by_subset.patches]
    assert lengths == pytest.approx(expected, abs=1e-4)
    assert max(lengths) < by_subset.get_xlim()[1] < 2 * max(lengths)
    assert [text.get_text() for text in by_subset.texts] == [
        "8.0",
        "14.0",
        "14.0",
        "20.0",
    ]
    assert by_subset.get_xlabel() == "psnr_range1, dB"
    assert "sum +12.0 dB" in by_modality.get_title()


def test_not_all_subsets_were_predicted():
    one = sample(subsets={"rgb": 0.2, "rgb+audio": 0.1})
    found, metric = evaluate([one], measures=["psnr_range1"])
    assert not any("shapley" in key for key in found)
    assert metric.modality_report is None
    assert "frames/psnr_range1/rgb" in found


def test_forecasts_without_a_model():
    """Seen frames come as the loader gives them; of a grey truth, grey ones."""
    rng = np.random.default_rng(0)
    for channels in (3, 1):
        seen = rng.integers(0, 256, (1, 3, 5, 16, 16), dtype=np.uint8)
        seen[:, 1:] = seen[:, :1] if channels == 1 else seen[:, 1:]
        true = TRUE[:channels]
        samples = [sample(true=true), sample("b.mp4", true=true)]
        batch = [torch.from_numpy(seen), torch.from_numpy(seen // 2)]
        found, _ = evaluate(samples, batch, baselines=True, measures=["mae_pixel"])
        last = [seen[0, :channels, -1:], seen[0, :channels, -1:] // 2]
        expected = np.mean([np.abs(one / 255 - true / 255).mean() for one in last])
        value = found["frames/mae_pixel/last_frame"]
        assert value == pytest.approx(expected, rel=1e-5), channels
        assert "frames/mae_pixel/flow" in found


def test_what_is_left_out_is_said(warnings):
    samples = [sample(), sample("b.mp4", 0.9, failure="broken"), sample(true=None)]
    found, metric = evaluate(samples, measures=["mae_pixel"])
    assert found["frames/mae_pixel"] == pytest.approx(0.1, rel=1e-5)
    assert metric.report["not_read"] == metric.report["without_truth"] == 1
    assert sum("left out" in one for one in warnings()) == 2
    assert evaluate([sample(true=None)])[0] == {}
    assert "nothing to measure" in warnings()[-1]


def test_what_cannot_be_measured():
    with pytest.raises(ValueError, match=r"measures must be some of .*'mse'"):
        evaluate([], measures=["mse"])
    short = sample()
    short.gt_frames = short.gt_frames[:, :2]
    other = sample("b.mp4", subsets={"rgb": 0.1})
    seen = [torch.zeros(1, 3, 5, 8, 8, dtype=torch.uint8)]
    for samples, kwargs, message in (
        ([ActionDataSample()], {}, "has no pred_frames"),
        ([short], {}, r"pred_frames of shape \(3, 4, 16, 16\), but gt_frames is"),
        ([sample(), other], {}, r"b.mp4 has other subset_frames than a.mp4"),
        ([sample()], dict(baselines=True), r"needs the seen frames in inputs\['rgb'\]"),
        ([sample()], dict(baselines=True, seen=seen), "got uint8 .1, 3, 5, 8, 8."),
    ):
        with pytest.raises(ValueError, match=message):
            evaluate(samples, **kwargs)


def test_lpips_where_it_is_not_installed(monkeypatch, warnings):
    monkeypatch.setitem(__import__("sys").modules, "lpips", None)
    found, _ = evaluate([sample()], lpips=True, measures=["mae_pixel"])
    assert set(found) == {"frames/mae_pixel"}
    assert any("lpips_alex is left out" in one for one in warnings())
