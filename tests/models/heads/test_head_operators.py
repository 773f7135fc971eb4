"""The head around operators of features, of scores and of maps."""

from __future__ import annotations

import pytest
import torch
from helpers_culprits import for_each
from mmaction.structures import ActionDataSample
from models.task import Task

from mmstconv.models.joint import subsets_of
from mmstconv.models.layers import align_steps

WIDTHS = {"rgb": 6, "flow": 5, "audio": 4}
CLASSES = 4
FEATURES = [
    "ConcatFusion",
    "SumFusion",
    "MaxFusion",
    "ConvFusion",
    "CompactBilinearFusion",
    "ContextGatingFusion",
    "GatedMultimodalUnit",
    "LowRankTensorFusion",
    "CrossModalAttentionFusion",
]
SCORES = ["LateFusion", "ClassWeightedFusion"]


def build(fusion, **kwargs):
    cfg = dict(
        num_classes=CLASSES,
        fusion=dict(type=fusion),
        dropout_ratio=0.0,
        init_std=1.0,
    )
    head = Task(WIDTHS, **{**cfg, **kwargs})
    head.init_weights()
    return head


def features(rows=3, steps=(5, 5, 7)):
    return {
        name: torch.randn(rows, step, width)
        for step, (name, width) in zip(steps, WIDTHS.items())
    }


def samples(rows):
    return [
        ActionDataSample(metainfo=dict(filename=f"{row}.mp4")).set_gt_label(
            row % CLASSES
        )
        for row in range(rows)
    ]


@for_each("fusion", FEATURES + SCORES)
@for_each("steps", [None, 3])
@for_each("aux", [0.0, 0.5])
def test_every_operator_learns_and_predicts(fusion, steps, aux):
    head = build(
        fusion,
        steps=steps,
        aux_loss_weight=aux,
        temporal=dict(type="MeanOverTime"),
        score_subsets=True,
    )
    feats, batch = features(), samples(3)
    presence = {"audio": torch.tensor([True, False, True])}
    losses = head.loss(feats, batch, presence)
    sum(value for key, value in losses.items() if "loss" in key).backward()
    for name, parameter in head.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
    with torch.no_grad():
        head.eval().predict(feats, batch, presence)
    for sample in batch:
        assert list(sample.subset_scores) == [name for name, _ in subsets_of([*WIDTHS])]
        full = sample.subset_scores["rgb+flow+audio"]
        torch.testing.assert_close(full, sample.pred_score)
        assert full.sum().item() == pytest.approx(1, abs=1e-5)
    quiet = batch[1].subset_scores  # has no sound
    torch.testing.assert_close(quiet["rgb+audio"], quiet["rgb"])
    torch.testing.assert_close(quiet["audio"], quiet["none"])


@for_each("fusion", FEATURES + SCORES)
def test_a_subset_is_what_a_file_without_the_others_gives(fusion):
    head = build(fusion, score_subsets=True).eval()
    feats = features()
    whole, lacking = samples(3), samples(3)
    with torch.no_grad():
        head.predict(feats, whole)
        head.predict(feats, lacking, {"flow": torch.zeros(3, dtype=torch.bool)})
    for one, other in zip(whole, lacking):
        torch.testing.assert_close(one.subset_scores["rgb+audio"], other.pred_score)


def test_scores_are_averaged_over_clips():
    head = build("ConcatFusion", score_subsets=True).eval()
    feats, batch = features(rows=4), samples(2)
    with torch.no_grad():
        head.predict(feats, batch)
        absent = {name: torch.zeros(4, dtype=torch.bool) for name in ("rgb", "flow")}
        scores = head(feats, absent).softmax(1)
    torch.testing.assert_close(batch[1].subset_scores["audio"], scores[2:].mean(0))


def test_weights_over_time_come_with_the_subsets():
    head = build(
        "GatedMultimodalUnit",
        steps=3,
        temporal=dict(type="MeanOverTime"),
        score_subsets=True,
    ).eval()
    batch = samples(3)
    with torch.no_grad():
        head.predict(features(), batch)
    weights = batch[0].modality_weights
    assert {name: share.shape for name, share in weights.items()} == dict.fromkeys(
        WIDTHS, (3,)
    )
    torch.testing.assert_close(sum(weights.values()), torch.ones(3))


def test_late_fusion_has_one_classifier_per_stream():
    head = build("LateFusion", aux_loss_weight=1.0)
    feats, batch = features(), samples(3)
    assert not list(head.head.aux_cls)
    assert isinstance(head.head.fc_cls, torch.nn.Identity)
    losses = head.loss(feats, batch)
    labels = torch.tensor([sample.gt_label.item() for sample in batch])
    scores = head.joint.fusion.classifiers["rgb"](feats["rgb"][:, -1])
    expected = torch.nn.functional.cross_entropy(scores, labels)
    torch.testing.assert_close(losses["loss_aux_rgb"], expected)


def test_confidence_of_each_modality_alone():
    head = build("ConcatFusion")
    head.head.track_confidence = True
    feats, batch = features(), samples(3)
    here = torch.tensor([True, False, True])
    head.loss(feats, batch, {"audio": here})
    others = {name: torch.zeros(3, dtype=torch.bool) for name in ("rgb", "flow")}
    right = head(feats, {**others, "audio": here}).softmax(1)[[0, 1, 2], [0, 1, 2]]
    total, count = head.head.confidence["audio"]
    assert count == 2 and not total.requires_grad
    torch.testing.assert_close(total, (right * here).sum().detach())
    assert head.head.confidence["rgb"][1] == 3


def test_loss_weight_scales_the_fused_loss_alone():
    head = build("ConcatFusion", aux_loss_weight=1.0)
    feats, batch = features(), samples(3)
    before = head.loss(feats, batch)
    head.head.loss_weight = 0.25
    after = head.loss(feats, batch)
    torch.testing.assert_close(after["loss_cls"], before["loss_cls"] / 4)
    torch.testing.assert_close(after["loss_aux_rgb"], before["loss_aux_rgb"])


@for_each("length, steps", [(6, 3), (7, 7), (2, 4), (1, 5)])
def test_aligned_steps_are_means_of_equal_spans(length, steps):
    x = torch.randn(2, length, 3)
    y = align_steps(x, steps)
    assert y.shape == (2, steps, 3)
    for step in range(steps):
        start, stop = step * length // steps, -(-(step + 1) * length // steps)
        torch.testing.assert_close(y[:, step], x[:, start:stop].mean(1))


def test_one_way_over_time_after_fusion():
    kinds = dict(rgb=dict(type="MeanOverTime"), flow=dict(type="LastState"))
    with pytest.raises(ValueError, match=r"temporal.*one value for all streams"):
        build(
            "ConcatFusion",
            steps=2,
            temporal=dict(kinds, audio=dict(type="LastState")),
        )


def test_unknown_operator():
    with pytest.raises(ValueError, match="fusion: no operator 'Stew'"):
        build("Stew")
