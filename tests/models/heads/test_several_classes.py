"""A sample with several classes, or none: what is computed, against the formulas."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmaction.models.utils import MixupBlending
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from models.task import Task

from mmstconv.models.fusion import ClassWeightedFusion, LateFusion
from mmstconv.models.heads import multi_class_of, probabilities

WIDTHS = {"rgb": 6, "audio": 4}
CLASSES = 4
BCE = dict(type="BCELossWithLogits")


def build(**kwargs):
    cfg = dict(
        num_classes=CLASSES,
        dropout_ratio=0.0,
        init_std=1.0,
        fusion=dict(type="ConcatFusion"),
    )
    head = Task(WIDTHS, **{**cfg, **kwargs})
    for parameter in head.parameters():
        torch.nn.init.normal_(parameter)
    return head


def features(rows=3, steps=5):
    return {name: torch.randn(rows, steps, width) for name, width in WIDTHS.items()}


def samples(labels):
    return [
        ActionDataSample(metainfo=dict(filename=f"{row}.mp4")).set_gt_label(label)
        for row, label in enumerate(labels)
    ]


@pytest.mark.parametrize("kind", ["LateFusion", "ClassWeightedFusion", "ConcatFusion"])
def test_every_kind_of_operator_learns_what_both_streams_show(kind):
    """Log-probabilities of one class out of all cannot be learned with BCE."""
    torch.manual_seed(0)
    labels = torch.randint(0, 2, (32, CLASSES)).float()
    feats = {"rgb": torch.cat([labels, torch.randn(32, 2)], 1), "audio": labels}
    feats = {name: 2 * feat[:, None] - 1 for name, feat in feats.items()}
    head = build(loss_cls=BCE, fusion=dict(type=kind))
    optimizer = torch.optim.Adam(head.parameters(), lr=0.1)
    for _ in range(150):
        loss = head.loss(feats, samples(labels))["loss_cls"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 0.02
    batch = samples(labels)
    with torch.no_grad():
        head.predict(feats, batch)
    found = torch.stack([sample.pred_score for sample in batch])
    assert torch.equal(found > 0.5, labels > 0.5)


@pytest.mark.parametrize("operator", [LateFusion, ClassWeightedFusion])
def test_scores_are_log_odds_of_the_mean_of_sigmoids(operator):
    torch.manual_seed(0)
    fusion = operator(WIDTHS, num_classes=CLASSES, multi_class=True)
    for parameter in fusion.parameters():
        torch.nn.init.normal_(parameter, std=2.0)
    feats = features(4, 1)
    here = {"rgb": [True, True, False, False], "audio": [True, False, True, False]}
    here = {name: torch.tensor(one) for name, one in here.items()}
    found = fusion(feats, here)[:, 0].sigmoid()
    logits = {n: fusion.classifiers[n](x)[:, 0].double() for n, x in feats.items()}
    for row in range(4):
        total, weight = 0.0, 0.0
        for name, one in logits.items():
            share = torch.ones(CLASSES, dtype=torch.float64)
            if operator is ClassWeightedFusion:
                share = fusion.class_logits[name].double().exp()
            total = total + here[name][row] * share / (1 + (-one[row]).exp())
            weight = weight + here[name][row] * share
        expected = total / weight if row < 3 else torch.full((CLASSES,), 0.5)
        torch.testing.assert_close(found[row].double(), expected.double(), atol=1e-6,
                                   rtol=1e-5)  # fmt: skip
    far = {name: 100 * x for name, x in feats.items()}  # saturated
    value = fusion(far, here)
    value.sum().backward()
    assert value.isfinite().all()
    assert all(p.grad.isfinite().all() for p in fusion.parameters())


def test_labels_in_all_forms_give_the_same_loss():
    head, feats = build(multi_class=True), features()
    many = torch.tensor([[1.0, 0, 1, 0], [0, 0, 0, 0], [0, 1, 0, 0]])
    forms = dict(
        floats=samples(many),
        integers=samples(many.long()),
        numbers=samples([[0, 2], [], [1]]),
        arrays=samples([np.array([2, 0]), np.array([], np.int64), 1]),
    )
    expected = F.binary_cross_entropy_with_logits(head(feats), many)
    for name, batch in forms.items():
        losses = head.loss(feats, batch)
        assert torch.allclose(losses["loss_cls"], expected), name
        assert set(losses) == {"loss_cls"}, name  # no top-1 of several
    for label, reason in (
        ([0, 4], r"0\.mp4: label 4 is outside"),
        ([-1], "label -1 is outside"),
        (torch.tensor([0.5, 2.0, 0, 0]), r"0\.mp4: label has 4 entries from 0 to 2"),
        (torch.tensor([0.5, 0.5]), "label has 2 entries"),
    ):
        with pytest.raises(ValueError, match=reason):
            head.loss(features(1), samples([label]))


def test_one_class_is_yes_or_no():
    head = build(num_classes=1, multi_class=True)
    feats = features(2)
    expected = F.binary_cross_entropy_with_logits(
        head(feats), torch.tensor([[1.0], [0.0]])
    )
    batch = samples([torch.tensor([1.0]), torch.tensor([0.0])])
    assert torch.allclose(head.loss(feats, batch)["loss_cls"], expected)


def test_weights_smoothing_and_streams():
    weight = [1.0, 2.0, 0.5, 3.0]
    head = build(
        loss_cls=dict(BCE, class_weight=weight),
        label_smooth_eps=0.2,
        aux_loss_weight=0.5,
    )
    feats, many = features(), torch.tensor([[1.0, 0, 1, 0], [0] * 4, [0, 1, 0, 0]])
    here = torch.tensor([True, False, True])
    losses = head.loss(feats, samples(many), {"audio": here})
    smooth = many * 0.8 + 0.1  # of yes and no alike

    def bce(scores, targets):
        p = scores.double().sigmoid()
        value = -(targets * p.log() + (1 - targets) * (1 - p).log())
        return (value * torch.tensor(weight)).mean().float()

    presence = {"audio": here}
    torch.testing.assert_close(losses["loss_cls"], bce(head(feats, presence), smooth))
    own = head.head.aux_cls["audio"](feats["audio"][:, -1])
    torch.testing.assert_close(
        losses["loss_aux_audio"], 0.5 * bce(own[here], smooth[here])
    )


def test_mixed_labels():
    """MMAction2's mixup gives soft labels of several classes."""
    torch.manual_seed(0)
    batch = samples(torch.tensor([[1.0, 0, 1, 0], [0, 0, 0, 0], [0, 1, 1, 1]]))
    MixupBlending(num_classes=CLASSES, alpha=1.0)(torch.randn(3, 2), batch)
    soft = torch.stack([sample.gt_label for sample in batch])
    assert ((soft > 0) & (soft < 1)).any()
    head, feats = build(multi_class=True), features()
    expected = F.binary_cross_entropy_with_logits(head(feats), soft)
    assert torch.allclose(head.loss(feats, batch)["loss_cls"], expected)


@pytest.mark.parametrize("average", ["prob", "score"])
def test_clips_are_averaged_as_sigmoids(average):
    head = build(loss_cls=BCE, aux_loss_weight=1.0, average_clips=average,
                 score_subsets=True)  # fmt: skip
    feats, batch = features(6), samples([[0], [1, 2]])  # 3 clips each
    with torch.no_grad():
        head.predict(feats, batch)
        scores = head(feats).view(2, 3, CLASSES)
    expected = scores.sigmoid().mean(1) if average == "prob" else scores.mean(1)
    for sample, one in zip(batch, expected):
        torch.testing.assert_close(sample.pred_score, one)
        torch.testing.assert_close(sample.subset_scores["rgb+audio"], one)
        shown = probabilities(head.head, sample.pred_score)
        assert ((shown >= 0) & (shown <= 1)).all()
        torch.testing.assert_close(shown, one if average == "prob" else one.sigmoid())
        assert sample.metainfo["multi_class"]
        assert sample.metainfo["average_clips"] == average


def test_confidence_is_of_the_right_classes():
    head, feats = build(multi_class=True), features()
    head.head.track_confidence = True
    many = torch.tensor([[1.0, 0, 1, 0], [0] * 4, [0, 1, 0, 0]])
    head.loss(feats, samples(many))
    none = torch.zeros(3, dtype=torch.bool)
    p = head(feats, {"rgb": none}).sigmoid()
    total, count = head.head.confidence["audio"]
    assert count == 2  # one has no class
    expected = (p[0, 0] + p[0, 2]) / 2 + p[2, 1]
    torch.testing.assert_close(total, expected.detach())


def test_class_balanced_focal_loss_reads_logits():
    """A loss of one class a sample that takes a sigmoid of each score."""
    loss = dict(type="CBFocalLoss", samples_per_cls=[5, 6, 7, 8])
    head = build(loss_cls=loss, fusion=dict(type="LateFusion"))
    assert head.joint.fusion.multi_class and not head.head.multi_class
    feats, labels = features(), torch.tensor([0, 3, 1])
    expected = MODELS.build(loss)(head(feats), labels)
    found = head.loss(feats, samples(labels.tolist()))["loss_cls"]
    assert torch.equal(found, expected)
    with pytest.raises(ValueError, match="takes class numbers, but labels are soft"):
        head.loss(feats, samples(torch.eye(4)[:3]))


def test_a_mismatch_is_named_when_the_head_is_built():
    focal = dict(type="CBFocalLoss", samples_per_cls=[5, 6, 7, 8])
    late = dict(type="LateFusion", multi_class=False)
    cases = [
        (dict(multi_class=True, loss_cls=dict(type="CrossEntropyLoss")),
         "multi_class=True of the head does not go with .*'CrossEntropyLoss'"),
        (dict(multi_class=True, loss_cls=focal), "does not go with .*'CBFocalLoss'"),
        (dict(multi_class=False, loss_cls=BCE), "multi_class=False .*'BCELossWith"),
        (dict(multi_class=True, fusion=late), "fusion: multi_class=False of LateFu"),
        (dict(fusion=dict(late, multi_class=True)), "takes a softmax of all score"),
        (dict(loss_cls=dict(BCE, class_weight=[1.0])), "class_weight of BCE.* has 1 "),
        (dict(loss_cls=dict(focal, samples_per_cls=[1])), "samples_per_cls of CBFoc"),
        (dict(loss_cls=focal, label_smooth_eps=0.1), "takes class numbers"),
    ]  # fmt: skip
    for kwargs, reason in cases:
        with pytest.raises(ValueError, match=reason):
            build(**kwargs)


def test_cross_entropy_refuses_several_classes():
    with pytest.raises(ValueError, match=r"0\.mp4: the soft label has a sum of 2"):
        build().loss(features(1), samples([torch.tensor([1.0, 0, 1, 0])]))
    with pytest.raises(ValueError, match="sum of 0"):
        build().loss(features(1), samples([torch.zeros(CLASSES)]))
    build().loss(features(1), samples([torch.tensor([0.25] * 4)]))


def test_the_loss_decides_of_any_head():
    stock = dict(type="I3DHead", num_classes=3, in_channels=4)
    assert multi_class_of(MODELS.build(stock)) is False
    assert multi_class_of(MODELS.build(dict(stock, loss_cls=BCE))) is True
    assert multi_class_of(build(loss_cls=BCE).head) is True
    assert multi_class_of(build().head) is False
    clips = torch.randn(2, 3)
    head = MODELS.build(dict(stock, loss_cls=BCE))  # average_clips=None
    torch.testing.assert_close(probabilities(head, clips), clips.sigmoid().mean(0))
