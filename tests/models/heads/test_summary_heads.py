"""Heads of summaries: shapes, padding, what they learn and what they refuse."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from helpers_culprits import for_each
from mmaction.structures import ActionDataSample

from mmstconv.models import (
    Features,
    Joint,
    SummaryHead,
    TrainingFreeSummaryHead,
    UnsupervisedSummaryHead,
)
from mmstconv.models.heads.training_free_summary_head import typical_and_different
from mmstconv.models.heads.unsupervised_summary_head import rewards_of

WIDTHS = dict(rgb=6, flow=4, audio=3)
HEADS = (SummaryHead, UnsupervisedSummaryHead, TrainingFreeSummaryHead)


def joint():
    return Joint(WIDTHS, fusion=dict(type="ConcatFusion"), over_time="steps")


def fused_of(films=1, steps=20, lengths=None, presence=None, feats=None):
    if feats is None:
        feats = {name: torch.randn(films, steps, d) for name, d in WIDTHS.items()}
    if lengths is not None:
        lengths = dict.fromkeys(WIDTHS, torch.tensor(lengths))
    return joint()(Features(feats, presence or {}, lengths))


def samples_of(*truths):
    return [
        ActionDataSample(gt_importance=truth, metainfo=dict(filename=f"{k}.mp4"))
        for k, truth in enumerate(truths)
    ]


def built(cls, **kwargs):
    return cls(sum(WIDTHS.values()), **kwargs).eval()


@for_each("cls", HEADS)
def test_any_length_and_what_is_written(cls):
    head = built(cls, score_subsets=True)
    for steps in (1, 2, 31, 32, 33, 200):
        fused = fused_of(steps=steps)
        assert head(fused).shape == (1, steps)
        (sample,) = head.predict(fused, [ActionDataSample()])
        parts = sample.subset_importance
        assert list(parts) == [name for name, _ in fused.subsets()]
        assert torch.equal(parts["rgb+flow+audio"], sample.pred_importance)
        for values in parts.values():
            assert values.shape == (steps,)
            assert (values >= 0).all() and (values <= 1).all()


@for_each("cls", HEADS)
def test_padding_changes_nothing(cls):
    head = built(cls)
    feats = {name: torch.randn(2, 50, d) for name, d in WIDTHS.items()}
    both = head.predict(fused_of(lengths=(50, 37), feats=feats), samples_of(0, 0))
    assert [len(one.pred_importance) for one in both] == [50, 37]
    alone = {name: feat[1:, :37] for name, feat in feats.items()}
    (one,) = head.predict(fused_of(feats=alone), [ActionDataSample()])
    torch.testing.assert_close(
        one.pred_importance, both[1].pred_importance, atol=1e-5, rtol=1e-4
    )


@for_each("cls", HEADS)
def test_without_any_modality_all_steps_are_alike(cls):
    head = built(cls, score_subsets=True)
    (sample,) = head.predict(fused_of(steps=60), [ActionDataSample()])
    assert np.ptp(sample.subset_importance["none"].numpy()) < 1e-5


def test_levels_are_those_of_the_users():
    fused = fused_of(steps=60)
    head = built(SummaryHead, levels=4)
    (sample,) = head.predict(fused, [ActionDataSample()])
    exact = head.importance(fused)[0]
    assert (sample.pred_importance - exact).abs().max() <= 1 / 6 + 1e-6
    torch.testing.assert_close(
        sample.pred_importance * 3, (sample.pred_importance * 3).round()
    )
    with pytest.raises(ValueError, match="levels must be at least 2"):
        built(SummaryHead, levels=1)


def test_few_parameters():
    for channels in (192, 1024):
        head = SummaryHead(channels)
        assert sum(p.numel() for p in head.parameters()) < 500_000


def test_the_loss_is_the_mean_over_real_steps():
    head = built(SummaryHead)
    fused = fused_of(films=2, steps=9, lengths=(9, 4))
    truths = torch.rand(9), torch.rand(4)
    found = head.predict(fused, samples_of(0, 0))
    errors = torch.cat(
        [(one.pred_importance - truth) ** 2 for one, truth in zip(found, truths)]
    )
    loss = head.loss(fused, samples_of(*truths))["loss_importance"]
    torch.testing.assert_close(loss, errors.mean())
    padded = torch.cat([truths[1], torch.full((5,), 7.0)])
    again = head.loss(fused, samples_of(truths[0], padded))["loss_importance"]
    torch.testing.assert_close(again, loss)


def test_it_learns_what_matters():
    torch.manual_seed(0)
    head = SummaryHead(sum(WIDTHS.values()), dropout_ratio=0.0)
    optimizer = torch.optim.Adam(head.parameters(), 1e-3)
    for _ in range(60):
        fused = fused_of(films=4, steps=40)
        truth = (fused.features.feats["audio"][..., 0] > 0).float()
        loss = head.loss(fused, samples_of(*truth))["loss_importance"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 0.05  # 0.25 is the error of one half everywhere


def test_truth_that_does_not_fit():
    head, fused = built(SummaryHead), fused_of(steps=9)
    with pytest.raises(ValueError, match=r"0\.mp4: .* shape \(8,\), expected \(9,\)"):
        head.loss(fused, samples_of(torch.rand(8)))
    nothing = [ActionDataSample(metainfo=dict(filename="a.mp4"))]
    with pytest.raises(ValueError, match=r"a\.mp4: there is no gt_importance"):
        head.loss(fused, nothing)
    with pytest.raises(TypeError, match="no weights to train: use SummaryHead"):
        built(TrainingFreeSummaryHead).loss(fused, nothing)
    with pytest.raises(ValueError, match="share must be between 0 and 1, got 1"):
        built(UnsupervisedSummaryHead, share=1)
    with pytest.raises(ValueError, match="tries must be at least 2, got 1"):
        built(UnsupervisedSummaryHead, tries=1)


def test_rewards_are_those_of_the_paper():
    """Of Zhou et al. 2018, pair by pair."""
    steps = torch.nn.functional.normalize(torch.randn(7, 5).double(), dim=1)
    for chosen in itertools.product([False, True], repeat=7):
        kept = [row for row, here in zip(steps, chosen) if here]
        expected = 0.0
        if kept:
            pairs = list(itertools.permutations(kept, 2))
            if pairs:
                expected += sum(1 - float(a @ b) for a, b in pairs) / len(pairs)
            nearest = [min(float((s - t).norm()) for t in kept) for s in steps]
            expected += math.exp(-sum(nearest) / len(nearest))
        found = rewards_of(steps, torch.tensor(chosen))
        assert float(found) == pytest.approx(expected, abs=1e-6)


def test_without_labels_it_learns_to_earn_more():
    """A film of one long scene and three short ones: the short ones are chosen more."""
    torch.manual_seed(0)
    head = UnsupervisedSummaryHead(
        sum(WIDTHS.values()), share=0.3, tries=8, dropout_ratio=0.0
    )
    scenes = [0] * 25 + [1] * 5 + [2] * 5 + [3] * 5
    centres = {name: 3 * torch.randn(4, d) for name, d in WIDTHS.items()}
    feats = {name: c[scenes][None] for name, c in centres.items()}
    feats = {name: x + 0.05 * torch.randn_like(x) for name, x in feats.items()}
    optimizer = torch.optim.Adam(head.parameters(), 3e-3)
    rewards = []
    for _ in range(150):
        losses = head.loss(fused_of(feats=feats), samples_of(0))
        optimizer.zero_grad()
        (losses["loss_choice"] + losses["loss_share"]).backward()
        optimizer.step()
        rewards.append(float(losses["reward"]))
    assert np.mean(rewards[-20:]) > np.mean(rewards[:20]) + 0.03
    importance = head.importance(fused_of(feats=feats))[0].detach()
    assert float(importance.mean()) == pytest.approx(0.3, abs=0.1)
    assert importance[25:].mean() > importance[:25].mean() + 0.1


def test_training_free_scores_by_their_definition():
    steps = torch.randn(1, 12, 5).double()
    x = steps[0] - steps[0].mean(0)
    x = x / x.norm(dim=1, keepdim=True)
    expected = []
    for t in range(12):
        near = x[max(t - 2, 0) : t + 3]
        typical = (1 + float((near @ x[t]).mean())) / 2
        different = float((1 - x @ x[t]).mean()) / 2
        expected.append(typical * different)
    low, high = min(expected), max(expected)
    expected = [(value - low) / (high - low) for value in expected]
    real = torch.ones(1, 12, dtype=torch.bool)
    found = typical_and_different(steps, real, 2)[0]
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64))


def test_training_free_finds_the_rare_scene():
    scenes = [0] * 40 + [1] * 10 + [0] * 40
    centres = {name: 3 * torch.randn(2, d) for name, d in WIDTHS.items()}
    feats = {name: c[scenes][None] for name, c in centres.items()}
    feats = {name: x + 0.1 * torch.randn_like(x) for name, x in feats.items()}
    found = built(TrainingFreeSummaryHead)(fused_of(feats=feats))[0]
    assert found[42:48].min() > max(found[:38].max(), found[52:].max())


MEMORY = """
import resource, torch
from mmstconv.models import Features, Joint, SummaryHead, TrainingFreeSummaryHead
torch.set_num_threads(1)
joint = Joint(dict(rgb=8), fusion=dict(type="ConcatFusion"), over_time="steps")
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
heads = SummaryHead(8).eval(), TrainingFreeSummaryHead(8)
def run(steps):
    fused = joint(Features(dict(rgb=torch.randn(1, steps, 8)), {}))
    with torch.inference_mode():
        for head in heads:
            head(fused)
run(100)
before = peak()
run(14400)
print(peak() - before)
"""


@pytest.mark.slow
def test_an_hour_needs_no_square_of_memory():
    """Half an hour of 8 steps a second: the matrix alone would be 3.2 GiB."""
    import subprocess
    import sys

    done = subprocess.run(
        [sys.executable, "-c", MEMORY], capture_output=True, text=True, check=True
    )
    assert float(done.stdout) < 400
