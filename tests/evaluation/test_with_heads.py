"""The metric on what the head really predicts, for operators of all kinds."""

from __future__ import annotations

import json
import math

import pytest
import torch
from mmaction.registry import METRICS
from mmaction.structures import ActionDataSample
from models.task import Task

WIDTHS = dict(rgb=6, flow=5, audio=4)
CLASSES, SAMPLES, CLIPS, STEPS = 4, 12, 2, 6

HEADS = {
    "concat": dict(),
    "two streams": dict(in_channels=dict(rgb=6, audio=4), aux_loss_weight=0.5),
    "one stream": dict(in_channels=dict(rgb=6)),
    "gates over time": dict(
        fusion=dict(type="GatedMultimodalUnit", channels=8),
        steps=3,
        temporal=dict(type="MeanOverTime"),
        aux_loss_weight=dict(rgb=1.0, flow=0.0, audio=1.0),
    ),
    "attention": dict(fusion=dict(type="CrossModalAttentionFusion", channels=8)),
    "scores of streams": dict(fusion=dict(type="LateFusion"), aux_loss_weight=1.0),
}


@pytest.mark.parametrize("average", ["prob", "score"])
@pytest.mark.parametrize("kind", HEADS)
def test_report_of_a_head(kind, average, tmp_path):
    torch.manual_seed(0)
    cfg = dict(
        num_classes=CLASSES,
        in_channels=WIDTHS,
        average_clips=average,
        score_subsets=True,
        init_std=1.0,
    )
    task = Task(**{**cfg, **HEADS[kind]})
    task.init_weights()
    head, widths = task.head, task.joint.in_channels
    feats, presence = {}, {}
    for name, width in widths.items():
        feats[name] = torch.randn(SAMPLES * CLIPS, STEPS, width)
        presence[name] = torch.ones(SAMPLES * CLIPS, dtype=torch.bool)
    if "audio" in presence:
        presence["audio"][: 3 * CLIPS] = False
    data_samples = []
    for row in range(SAMPLES):
        has = {name: bool(here[row * CLIPS]) for name, here in presence.items()}
        one = ActionDataSample(metainfo=dict(presence=has))
        data_samples.append(one.set_gt_label(row % CLASSES))
    with torch.no_grad():
        task.eval().predict(feats, data_samples, presence=presence)

    metric = METRICS.build(dict(type="ModalityMetric", out_dir=tmp_path, prefix="m"))
    metric.process(None, [one.to_dict() for one in data_samples])
    found = metric.evaluate(SAMPLES)
    assert all(map(math.isfinite, found.values()))
    right = [int(one.pred_label) == int(one.gt_label) for one in data_samples]
    full = "+".join(widths)
    assert found[f"m/acc/{full}"] == pytest.approx(sum(right) / SAMPLES)
    for name in widths:
        assert (f"m/acc/stream_{name}" in found) == (name in head.aux_loss_weight)
    report = json.loads((tmp_path / "modality_report.json").read_text("utf-8"))
    assert report["modalities"] == list(widths)
    weights = report["overall"]["weights"]
    if kind == "gates over time":
        assert [len(shares) for shares in weights.values()] == [3, 3, 3]
    assert bool(weights) == hasattr(task.joint.fusion, "weights")
