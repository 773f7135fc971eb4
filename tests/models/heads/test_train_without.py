"""Samples that have a modality are trained on without it, too."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from helpers_culprits import for_each
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from models.task import Task

from mmstconv.models.fusion.base import FusionOperator

WIDTHS = {"rgb": 6, "flow": 5, "audio": 4}
CLASSES = 4
OPERATORS = sorted(
    name
    for name, kind in MODELS.module_dict.items()
    if isinstance(kind, type) and issubclass(kind, FusionOperator)
)
MORE = {  # arguments beside the channels
    "Conv3dFusion": dict(
        trunk=dict(type="STConvNet", stages=[dict(channels=7)], norm_cfg=None)
    )
}
LABELS = (0, 1, 2, 3, 1)
SOUND = torch.tensor([True, False, True, True, False])


def build(fusion, **kwargs):
    maps = MODELS.get(fusion).takes_maps
    head = Task(
        WIDTHS,
        num_classes=CLASSES,
        fusion=dict(type=fusion, **MORE.get(fusion, {})),
        dropout_ratio=0.0,
        init_std=1.0,
        temporal=dict(type="MeanOverTime"),
        **kwargs,
    ).eval()
    head.init_weights()
    shape = {"rgb": (3, 4, 4), "flow": (3, 4, 4), "audio": (3,)} if maps else {}
    feats = {
        name: torch.randn(len(LABELS), width, *shape[name])
        if maps
        else torch.randn(len(LABELS), 3, width)
        for name, width in WIDTHS.items()
    }
    return head, feats


def samples(labels=LABELS):
    return [ActionDataSample().set_gt_label(label) for label in labels]


@for_each("fusion", OPERATORS)
def test_the_loss_is_the_mean_over_both(fusion):
    """Of five samples as they are, and of the three with sound without it."""
    head, feats = build(fusion, train_without=["audio"])
    loss = head.loss(feats, samples(), dict(audio=SOUND))["loss_cls"]
    with torch.no_grad():
        whole = head(feats, dict(audio=SOUND))
        without = head(feats, dict(audio=torch.zeros(5, dtype=torch.bool)))[SOUND]
    labels = torch.tensor(LABELS)
    expected = F.cross_entropy(
        torch.cat([whole, without]), torch.cat([labels, labels[SOUND]])
    )
    torch.testing.assert_close(loss.detach(), expected)
    loss.backward()
    assert all(
        torch.isfinite(one.grad).all()
        for one in head.parameters()
        if one.grad is not None
    )


def test_several_modalities_each_alone():
    head, feats = build("SumFusion", train_without=["audio", "flow"], loss_weight=0.5)
    nobody = torch.zeros(5, dtype=torch.bool)
    loss = head.loss(feats, samples(), dict(audio=SOUND))["loss_cls"]
    with torch.no_grad():
        scores = [
            head(feats, dict(audio=SOUND)),
            head(feats, dict(audio=nobody))[SOUND],
            head(feats, dict(audio=SOUND, flow=nobody)),
        ]
    labels = torch.tensor(LABELS)
    expected = F.cross_entropy(
        torch.cat(scores), torch.cat([labels, labels[SOUND], labels])
    )
    torch.testing.assert_close(loss.detach(), 0.5 * expected)


def test_nobody_has_it_and_nothing_is_known():
    head, feats = build("GatedMultimodalUnit", train_without=["audio"])
    plain, _ = build("GatedMultimodalUnit")
    plain.load_state_dict(head.state_dict())
    nobody = dict(audio=torch.zeros(5, dtype=torch.bool))
    for one in ("loss_cls", "top1_acc"):
        torch.testing.assert_close(
            head.loss(feats, samples(), nobody)[one],
            plain.loss(feats, samples(), nobody)[one],
        )
    # no presence: everybody has it
    loss = head.loss(feats, samples())["loss_cls"]
    both = [plain.loss(feats, samples(), here)["loss_cls"] for here in (None, nobody)]
    torch.testing.assert_close(loss, sum(both) / 2)


def test_clips_and_soft_labels():
    head, feats = build("ConcatFusion", train_without=["audio"], label_smooth_eps=0.1)
    feats = {name: torch.cat([one, one]) for name, one in feats.items()}  # 2 clips
    here = dict(audio=SOUND.repeat_interleave(2))
    losses = head.loss(feats, samples(), here)
    assert torch.isfinite(losses["loss_cls"])
    assert 0 <= losses["top1_acc"] <= 1  # of the samples as they are


@pytest.mark.parametrize("wrong", [["sound"], "audio", ["rgb", "sound"]], ids=str)
def test_a_modality_that_is_none_is_named(wrong):
    with pytest.raises(ValueError, match=r"train_without: .*'audio', 'flow', 'rgb'"):
        build("SumFusion", train_without=wrong)


STREAMS = dict(
    rgb=dict(
        backbone=dict(type="STConvNet", in_channels=3, stages=[dict(channels=8)]),
        neck=dict(type="LSTMTemporalNeck", in_channels=8, hidden_channels=8),
    ),
    audio=dict(
        backbone=dict(type="AudioConvNet", in_channels=4, stages=[dict(channels=8)]),
        neck=dict(type="LSTMTemporalNeck", in_channels=8, hidden_channels=8),
    ),
)


def make_batch(labels):
    """Four classes, two of them with sound; all that tells a class is in the colour.

    Red and green tell the class within its group, blue faintly the group.
    """
    rgb = 0.3 * torch.randn(len(labels), 1, 3, 2, 4, 4)
    rgb[:, 0, 0] += (labels % 2)[:, None, None, None] * 2.0
    rgb[:, 0, 1] -= (labels % 2)[:, None, None, None] * 2.0
    rgb[:, 0, 2] += (labels // 2)[:, None, None, None] * 0.5
    inputs = dict(rgb=rgb, audio=torch.randn(len(labels), 1, 4, 8))
    batch = samples(labels.tolist())
    for one in batch:
        one.set_metainfo(dict(presence=dict(audio=bool(one.gt_label.item() < 2))))
    return inputs, batch


def accuracy(model, without_sound):
    labels = torch.arange(64) % 2  # the two classes with sound
    inputs, batch = make_batch(labels)
    if without_sound:
        for one in batch:
            one.set_metainfo(dict(presence=dict(audio=False)))
    with torch.no_grad():
        model.eval().predict(inputs, batch)
    said = torch.tensor([one.pred_label.item() for one in batch])
    return (said == labels).float().mean().item()


def train(**head):
    torch.manual_seed(0)
    model = MODELS.build(
        dict(
            type="TriModalRecognizer",
            streams=STREAMS,
            joint=dict(fusion=dict(type="GatedMultimodalUnit")),
            cls_head=dict(
                type="TriModalFusionHead", num_classes=4, dropout_ratio=0.0, **head
            ),
        )
    )
    model.init_weights()
    optimizer = torch.optim.Adam(model.parameters(), 0.02)
    for _ in range(50):
        losses = model.train().loss(*make_batch(torch.arange(32) % 4))
        optimizer.zero_grad()
        losses["loss_cls"].backward()
        optimizer.step()
    return model


def test_what_is_learned_of_absence():
    """Colour tells every class, so the bound is 100 % with and without sound."""
    plain = train()
    assert accuracy(plain, without_sound=False) > 0.95
    assert accuracy(plain, without_sound=True) < 0.1  # "no sound, so a silent class"
    taught = train(train_without=["audio"])
    assert accuracy(taught, without_sound=False) > 0.95
    assert accuracy(taught, without_sound=True) > 0.95
