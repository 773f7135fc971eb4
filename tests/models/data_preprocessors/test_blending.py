"""Samples mixed with each other: all modalities and the label by one weight."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from helpers_culprits import for_each
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample

from mmstconv.models import MultiModalBlending, TriModalDataPreprocessor
from mmstconv.models.data_preprocessors.blending import draw_partners
from mmstconv.randomness import seed_generators

CLASSES = 8
SHAPES = dict(rgb=(3, 8, 20, 20), flow=(2, 8, 10, 10), audio=(6, 40))
PRESENCE = [{}, dict(audio=False), {}, dict(audio=False), dict(rgb=False), {}]
KINDS = [dict(mixup_alpha=0.8), dict(cutmix_alpha=1.0)]
BOXES = [("t", "h", "w"), ("h", "w"), ("t",)]


def batch(clips=2, presence=PRESENCE):
    """Each sample is filled with its class, so that shares can be read off."""
    rows = torch.arange(len(presence)).float()
    inputs = {
        name: rows.view(-1, *[1] * (len(shape) + 1)).expand(-1, clips, *shape)
        for name, shape in SHAPES.items()
    }
    samples = [
        ActionDataSample(
            metainfo=dict(filename=f"{row}.mp4", presence=here)
        ).set_gt_label(row)
        for row, here in enumerate(presence)
    ]
    return inputs, samples


def labels_of(samples):
    return torch.stack([sample.gt_label for sample in samples])


def partner_of(label, row):
    others = [k for k in label.nonzero()[:, 0].tolist() if k != row]
    return others[0] if others else row


@for_each("seed", range(8))
def test_mixup_is_the_formula_in_every_modality(seed):
    seed_generators(seed)
    inputs, samples = batch()
    mixed, mixed_samples = MultiModalBlending(CLASSES, mixup_alpha=0.8)(inputs, samples)
    labels = labels_of(mixed_samples)
    assert torch.allclose(labels.sum(1), torch.ones(6))
    lams = set()
    for row, label in enumerate(labels):
        partner = partner_of(label, row)
        lams.add(round(label[row].item(), 5))
        value = (label * torch.arange(CLASSES)).sum()
        for name in SHAPES:
            assert torch.allclose(mixed[name][row], value, atol=1e-4)
        assert PRESENCE[partner] == PRESENCE[row]
    assert labels[4, 4] == 1  # no other sample is without video
    assert len(lams - {1.0}) == 1
    assert [sample.gt_label.item() for sample in samples] == list(range(6))
    assert mixed_samples[1].presence == dict(audio=False)


@for_each("axes", BOXES)
@for_each("seed", range(6))
def test_cutmix_labels_are_the_true_shares(axes, seed):
    seed_generators(seed)
    inputs, samples = batch()
    blending = MultiModalBlending(CLASSES, cutmix_alpha=1.0, box_axes=axes)
    mixed, samples = blending(inputs, samples)
    for row, label in enumerate(labels_of(samples)):
        partner = partner_of(label, row)
        shares = {}
        for name, x in mixed.items():
            taken = x[row] != row
            assert set(x[row][taken].tolist()) <= {partner}
            assert torch.equal(taken[0], taken[1])  # clips
            assert (taken == taken[:, :1]).all()  # channels and bands
            shares[name] = taken.double().mean().item()
        has = [name for name in SHAPES if PRESENCE[row].get(name, True)]
        kept = 1 - np.mean([shares[name] for name in has])
        assert label[row].item() == pytest.approx(kept, abs=1e-5)
        assert max(shares.values()) - min(shares.values()) < 0.15


@for_each("seed", range(20))
def test_the_box_is_the_same_part_of_every_modality(seed):
    seed_generators(seed)
    inputs, samples = batch(clips=1, presence=[{}, {}])
    mixed, _ = MultiModalBlending(CLASSES, cutmix_alpha=1.0)(inputs, samples)
    ends = {}
    for name, x in mixed.items():
        taken = (x[0, 0, 0] != 0).nonzero()
        if not len(taken):
            return
        size = torch.tensor(x.shape[3:])
        first, last = taken.min(0).values / size, (taken.max(0).values + 1) / size
        box = torch.zeros(x.shape[3:])
        box[
            tuple(
                slice(*ab) for ab in zip(taken.min(0).values, taken.max(0).values + 1)
            )
        ] = 1
        assert torch.equal(box.bool(), x[0, 0, 0] != 0)  # one box, no scattered values
        ends[name] = (first, last)
    for one, other in zip(ends["rgb"], ends["flow"]):
        assert torch.allclose(one, other, atol=0.16)  # two of the coarser grid
    assert ends["audio"][0][0] >= ends["rgb"][0][0] - 1 / 8
    assert ends["audio"][1][0] <= ends["rgb"][1][0] + 1 / 8


def test_partners_are_alike_and_nobody_stays_alone_without_need():
    seed_generators(0)
    here = np.array([[1, 1], [1, 0], [1, 1], [0, 1], [1, 0], [1, 1]], bool)
    seen = set()
    for _ in range(60):
        order = draw_partners(here).tolist()
        assert sorted(order) == list(range(6))
        for row, partner in enumerate(order):
            assert (here[row] == here[partner]).all()
            assert (row == partner) == (row == 3)
        seen.add(tuple(order))
    assert len(seen) == 2  # three in a circle, either way round


@for_each("kind", KINDS)
def test_the_same_again_from_the_same_place(kind):
    blending, found = MultiModalBlending(CLASSES, prob=0.5, **kind), []
    for _ in range(2):
        for iteration in range(8):
            seed_generators(3, iteration)
            mixed, samples = blending(*batch())
            found.append((mixed["rgb"], [sample.gt_label for sample in samples]))
    unmixed = 0
    for (one, labels), (other, same) in zip(found[:8], found[8:]):
        assert torch.equal(one, other)
        assert all(map(torch.equal, labels, same))
        unmixed += labels[0].numel() == 1
    assert 0 < unmixed < 8


def test_labels_of_several_classes():
    seed_generators(0)
    inputs, samples = batch(presence=[{}, {}])
    samples[0].set_gt_label([1, 3])
    samples[1].set_gt_label(torch.tensor([0.0, 0, 0, 1, 0, 0, 0, 1]))
    _, mixed = MultiModalBlending(CLASSES, mixup_alpha=1.0)(inputs, samples)
    labels = labels_of(mixed)
    lam = labels[0, 1].item()
    assert 0 < lam < 1
    assert labels[0].tolist() == pytest.approx([0, lam, 0, 1, 0, 0, 0, 1 - lam])


@pytest.mark.parametrize("kind", KINDS)
def test_only_in_training_and_through_the_whole_model(
    make_cfg, make_inputs, make_samples, kind
):
    """The head takes the soft labels; its classes are those of the blending."""
    preprocessor = dict(
        type="TriModalDataPreprocessor",
        preprocessors={name: dict(type="ActionDataPreprocessor") for name in SHAPES},
        blending=dict(type="MultiModalBlending", **kind),
    )
    cfg = make_cfg(aux_loss_weight=0.5, label_smooth_eps=0.1)
    model = MODELS.build(dict(cfg, data_preprocessor=preprocessor))
    data = dict(
        inputs={name: list(x) for name, x in make_inputs(clips=2).items()},
        data_samples=make_samples(presence=[{}, {}, dict(audio=False)]),
    )
    ready = model.data_preprocessor(data, training=False)
    assert ready["data_samples"][0].gt_label.numel() == 1
    ready = model.data_preprocessor(data, training=True)
    labels = labels_of(ready["data_samples"])
    assert labels.shape == (3, 4) and (labels[:2] > 0).sum() == 4
    losses = model(**ready, mode="loss")
    sum(value for key, value in losses.items() if "loss" in key).backward()
    smooth = 0.9 * labels + 0.1 / 4
    model.eval()
    with torch.no_grad():
        scores = model(ready["inputs"], ready["data_samples"], stage="head")
    rows = smooth.repeat_interleave(2, dim=0)
    expected = -(rows.double() * scores.double().log_softmax(1)).sum(1).mean()
    again = model(**ready, mode="loss")
    assert again["loss_cls"].item() == pytest.approx(expected.item(), rel=1e-5)
    head = model.cls_head
    fused = model.fuse(ready["inputs"], ready["data_samples"])
    own = head.score_streams(fused)["audio"][:4]  # the third has no sound
    expected = -(rows[:4].double() * own.double().log_softmax(1)).sum(1).mean()
    assert again["loss_aux_audio"].item() == pytest.approx(
        0.5 * expected.item(), rel=1e-5
    )
    best = (scores.argmax(1) == rows.argmax(1)).float().mean()
    assert again["top1_acc"].item() == pytest.approx(best.item())


@for_each(
    "arguments, message",
    [
        (dict(), "one of them above, got 0.0 and 0.0"),
        (dict(mixup_alpha=-1.0), "got -1.0 and 0.0"),
        (dict(mixup_alpha=1.0, prob=1.5), "prob must lie in 0..1, got 1.5"),
        (dict(cutmix_alpha=1.0, box_axes=("x",)), "some of 't', 'h', 'w', got"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        MultiModalBlending(CLASSES, **arguments)


def test_what_cannot_be_mixed():
    alone = dict(type="MixupBlending", num_classes=4)
    with pytest.raises(ValueError, match=r"preprocessors\.rgb\.blending would mix rgb"):
        TriModalDataPreprocessor(
            dict(rgb=dict(type="ActionDataPreprocessor", blending=alone))
        )
    inputs, samples = batch(presence=[{}, {}])
    inputs["other"] = torch.zeros(2, 1, 3, 4, 5)
    with pytest.raises(ValueError, match="'other' has the shape"):
        MultiModalBlending(CLASSES, cutmix_alpha=1.0)(inputs, samples)
    samples[1].set_gt_label(9)
    with pytest.raises(ValueError, match=r"1\.mp4: label 9 is outside"):
        MultiModalBlending(CLASSES, mixup_alpha=1.0)(inputs, samples)
