"""Instants along time: found, to a fraction of a step, with the past alone as well."""

from __future__ import annotations

import pytest
import torch
from helpers_culprits import for_each
from mmaction.structures import ActionDataSample
from mmengine.structures import InstanceData

from mmstconv.models import Features, Joint, TemporalSpottingHead

STEPS, STEP, WIDTH = 64, 0.25, 8


def draw(rows, generator):
    """Films with instants of two classes, each a bump of two seconds."""
    steps = 0.1 * torch.randn(rows, STEPS, WIDTH, generator=generator)
    middle = (torch.arange(STEPS) + 0.5) * STEP
    samples = []
    for row in range(rows):
        times = 1.0 + torch.arange(5) * 3 + torch.rand(5, generator=generator)
        labels = torch.randint(2, (5,), generator=generator)
        for time, label in zip(times, labels):
            steps[row, :, label] += (1 - (middle - time).abs()).clamp(min=0)
        truth = InstanceData(times=times.double(), labels=labels)
        samples.append(ActionDataSample(gt_instances=truth))
    return steps, samples


def fused_of(steps):
    joint = Joint(dict(rgb=WIDTH), fusion=dict(type="ConcatFusion"), over_time="steps")
    window = torch.tensor([[0.0, STEPS * STEP]], dtype=torch.float64)
    return joint(Features(dict(rgb=steps), {}, window=window.expand(len(steps), 2)))


@for_each("causal", [False, True])
def test_finds_instants(causal):
    generator = torch.Generator().manual_seed(0)
    head = TemporalSpottingHead(2, WIDTH, channels=16, causal=causal)
    optimizer = torch.optim.Adam(head.parameters(), lr=5e-3)
    for _ in range(100):
        steps, samples = draw(6, generator)
        losses = head.loss(fused_of(steps), samples)
        optimizer.zero_grad()
        sum(losses.values()).backward()
        optimizer.step()
    steps, samples = draw(8, generator)
    with torch.no_grad():
        head.eval().predict(fused_of(steps), samples)
    errors, count = [], 0
    for one in samples:
        true, found = one.gt_instances, one.pred_instances
        best = found[found.scores > 0.3]
        count += len(best)
        apart = (true.times[:, None] - best.times).abs()
        apart[true.labels[:, None] != best.labels] = 9.0
        errors += apart.amin(1).tolist()
    assert abs(count - 40) <= 3
    errors = torch.tensor(errors)
    assert (errors < 0.5).sum() >= 38
    assert errors.median() < 0.5 * STEP


def test_no_instant_and_bad_truth():
    head = TemporalSpottingHead(2, WIDTH, channels=8)
    steps, _ = draw(1, torch.Generator().manual_seed(0))
    none = InstanceData(times=torch.zeros(0), labels=torch.zeros(0, dtype=torch.long))
    losses = head.loss(fused_of(steps), [ActionDataSample(gt_instances=none)])
    sum(losses.values()).backward()
    assert losses["loss_offset"] == 0 < losses["loss_cls"]
    sample = ActionDataSample(
        gt_instances=InstanceData(segments=torch.zeros(1, 2), labels=torch.zeros(1))
    )
    sample.set_metainfo(dict(filename="wrong.mp4"))
    with pytest.raises(ValueError, match=r"wrong\.mp4: expected 'times'"):
        head.loss(fused_of(steps), [sample])
    with pytest.raises(ValueError, match="window is 0"):
        TemporalSpottingHead(2, WIDTH, window=0)
