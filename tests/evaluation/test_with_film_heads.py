"""The metrics of events and summaries on what their heads really predict."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from mmaction.registry import METRICS, MODELS
from mmaction.structures import ActionDataSample
from mmengine.evaluator import Evaluator
from mmengine.structures import InstanceData

from mmstconv.models import Features

WIDTHS = dict(rgb=6, audio=4)
FILMS, STEPS, SECONDS = 3, 32, 16.0


def predicted(head_cfg, truth):
    """Data samples of three films of 16 s, the last of which has no sound."""
    torch.manual_seed(0)
    joint = MODELS.build(dict(type="Joint", in_channels=WIDTHS))
    head = MODELS.build(
        dict(head_cfg, in_channels=joint.out_channels, score_subsets=True)
    )
    feats = {name: torch.randn(FILMS, STEPS, one) for name, one in WIDTHS.items()}
    window = torch.tensor([0, SECONDS]).expand(FILMS, -1)
    presence = dict(rgb=torch.ones(FILMS).bool(), audio=torch.arange(FILMS) < 2)
    samples = []
    for row in range(FILMS):
        one = ActionDataSample(metainfo=dict(filename=f"{row}.mp4"))
        for name, value in truth(row).items():
            setattr(one, name, value)
        samples.append(one)
    with torch.no_grad():
        fused = joint.eval()(Features(feats, presence, window=window))
        return head.eval().predict(fused, samples)


def judged(metric_cfg, samples):
    evaluator = Evaluator(METRICS.build(metric_cfg))
    evaluator.dataset_meta = dict(classes=("jump", "run"))
    evaluator.process(samples)
    return evaluator.evaluate(len(samples))


def sums_up(found, prefix, worth):
    gains = sum(found[f"{prefix}/shapley/{name}"] for name in WIDTHS)
    whole = found[f"{prefix}/{worth}"]
    assert found[f"{prefix}/{worth}/rgb+audio"] == pytest.approx(whole)
    assert gains == pytest.approx(whole - found[f"{prefix}/{worth}/none"])


def test_segments():
    def truth(row):
        segments = torch.tensor([[1.0, 4.0], [6.0, 9.0 + row]])
        labels = torch.tensor([0, 1])
        return dict(gt_instances=InstanceData(segments=segments, labels=labels))

    samples = predicted(dict(type="TemporalEventHead", num_classes=2), truth)
    assert all(len(one.pred_instances.scores) for one in samples)
    metric = dict(type="TemporalDetectionMetric", protocol="epic", average_recall=100)
    found = judged(metric, samples)
    sums_up(found, "detection", "average_mAP")
    assert 0 < found["detection/AR@100"] <= 1


def test_importance():
    rated = np.random.default_rng(0).random((2, STEPS))
    shots = np.stack([np.arange(0, STEPS, 4), np.arange(3, STEPS, 4)], 1)

    def truth(row):
        return dict(
            user_importance=torch.from_numpy(rated),
            change_points=torch.from_numpy(shots),
        )

    samples = predicted(dict(type="SummaryHead"), truth)
    found = judged(dict(type="SummaryMetric"), samples)
    sums_up(found, "summary", "rho")
    assert -1 < found["summary/rho"] < 1 and 0 < found["summary/f1_random"] < 1
