"""Several heads on one joint: each gives what it gives alone, from what it has truth
of."""

from __future__ import annotations

import pytest
import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.structures import InstanceData
from models.task import Features

from mmstconv.models import Joint, MultiTaskHead
from mmstconv.models.heads import BaseCaptionHead
from mmstconv.models.heads.base_caption_head import Caption

WIDTHS = dict(rgb=5, audio=4)
T = 12
EVENTS = dict(type="TemporalEventHead", num_classes=3, channels=6, levels=2)
CLASSES = dict(type="TriModalFusionHead", num_classes=4, aux_loss_weight=0.5)
SUMMARY = dict(type="SummaryHead", channels=8, num_heads=2, dropout_ratio=0.0)
HEADS = dict(classes=CLASSES, events=EVENTS, summary=SUMMARY)
OPERATORS = ("ConcatFusion", "GatedMultimodalUnit")


@MODELS.register_module()
class SaysItsWidth(BaseCaptionHead):
    """A caption head that says the mean of what it reads."""

    def __init__(self, in_channels, **options):
        super().__init__(**options)
        self.scale = torch.nn.Parameter(torch.ones(()))

    def forward(self, fused):
        return fused.steps * self.scale

    def token_loss(self, fused, texts):
        lengths = torch.tensor([float(len(text)) for text in texts])
        return ((self(fused).mean((1, 2)) - lengths) ** 2).mean()

    def generate(self, fused):
        return [Caption(f"{value:.4f}", 0.0) for value in self(fused).mean((1, 2))]


def build(heads=None, operator="ConcatFusion", steps=T, **options):
    """Joint and head as the recognizer builds them."""
    torch.manual_seed(3)
    cfg = dict(heads=heads or HEADS, **options)
    needs = MultiTaskHead.needs(cfg, WIDTHS)
    joint = Joint(
        WIDTHS, fusion=dict(type=operator), steps=steps,
        temporal=dict(type="MeanOverTime"), **needs,
    )  # fmt: skip
    head = MultiTaskHead(in_channels=joint.out_channels, stream_channels=WIDTHS, **cfg)
    for name, parameter in head.named_parameters():
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=0.3)
        if name.endswith("class_tower.out.conv.bias"):
            parameter.data.zero_()
    return joint.eval(), head.eval()


def films(rows=4, clips=1, padded=False):
    """Features of cached steps, and the samples with the truth of all tasks."""
    generator = torch.Generator().manual_seed(1)
    feats = {
        name: torch.randn(rows * clips, T, width, generator=generator)
        for name, width in WIDTHS.items()
    }
    lengths = None
    if padded:
        lengths = dict.fromkeys(WIDTHS, torch.tensor([T, 5, 8, 3][:rows]))
        for name, x in feats.items():
            for row, count in enumerate(lengths[name].tolist()):
                x[row, count:] = 0
    window = torch.tensor([[0.0, T / 4]] * (rows * clips), dtype=torch.float64)
    presence = dict(
        audio=torch.tensor([True, False, True, True] * clips)[: len(window)]
    )
    features = Features(feats, presence, lengths, window, common=True)
    samples = []
    for row in range(rows):
        one = ActionDataSample().set_gt_label(row % 4)
        segments = torch.tensor([[0.25 * row, 0.25 * row + 1.0]], dtype=torch.float64)
        one.gt_instances = InstanceData(
            segments=segments, labels=torch.tensor([row % 3])
        )
        count = T if lengths is None else int(lengths["rgb"][row])
        one.gt_importance = torch.linspace(0, 1, count)
        one.gt_captions = ["a", "a"]
        one.set_metainfo(dict(filename=f"{row}.mp4", num_classes=4))
        samples.append(one)
    return features, samples


def without(sample, *fields):
    copy = sample.new()
    for field in fields:
        delattr(copy, field)
    return copy


ALL_TRUTH = dict(classes="gt_label", events="gt_instances", summary="gt_importance")


def test_each_head_gives_what_it_gives_alone():
    """Losses, predictions and subsets, over cached steps, padded ones among them."""
    wrong = []
    scored = {name: dict(cfg, score_subsets=True) for name, cfg in HEADS.items()}
    for operator in OPERATORS:
        for padded in (False, True):
            joint, head = build(scored, operator)
            features, samples = films(padded=padded)
            losses = head.loss(joint(features), samples)
            _, ours = films(padded=padded)
            found = head.predict(joint(features), ours)
            for name, one in head.heads.items():
                _, own = films(padded=padded)
                alone = one.loss(joint(features), own)
                expected = {f"{name}.{key}": value for key, value in alone.items()}
                if any(not torch.equal(losses[k], v) for k, v in expected.items()):
                    wrong.append((operator, padded, name, "loss"))
                for sample, other in zip(found, one.predict(joint(features), own)):
                    wrong += [
                        (operator, padded, name, key)
                        for key, value in other.items()
                        if not same(sample.get(key), value)
                    ]
            assert {key.split(".")[0] for key in losses} == set(HEADS)
            fields = set(found[0].keys())
            assert fields >= {"pred_score", "pred_instances", "pred_importance"}
            assert fields >= {"subset_scores", "subset_instances", "subset_importance"}
    assert not wrong


def same(one, other):
    if isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[k], other[k]) for k in one)
    if isinstance(other, InstanceData):
        return all(same(one.get(k), v) for k, v in other.items())
    return torch.equal(one, other) if isinstance(other, torch.Tensor) else one == other


def test_a_task_learns_from_the_samples_that_have_its_truth():
    """Its loss is that of these samples alone, clips of a sample included."""
    wrong = []
    for clips in (1, 2):
        joint, head = build(operator="GatedMultimodalUnit")
        features, samples = films(clips=clips)
        samples[0] = without(samples[0], "gt_label", "gt_importance")
        samples[2] = without(samples[2], "gt_instances", "gt_importance")
        samples[1] = without(samples[1], "gt_importance")
        if clips == 2:
            samples = [without(one, *({"gt_importance"} & set(one.keys()))) for one in
                       samples]  # fmt: skip
        losses = head.loss(joint(features), samples)
        has = dict(classes=[1, 2, 3], events=[0, 1, 3], summary=[3])
        if clips == 2:
            del has["summary"]
        for name, rows in has.items():
            index = [row * clips + clip for row in rows for clip in range(clips)]
            part = features.rows(torch.tensor(index))
            presence = dict(audio=features.presence["audio"][index])
            fused = joint(part._replace(presence=presence))
            alone = head.heads[name].loss(fused, [samples[row] for row in rows])
            wrong += [
                (clips, name, key)
                for key, value in alone.items()
                if not torch.allclose(losses[f"{name}.{key}"], value, atol=1e-6)
            ]
        assert {key.split(".")[0] for key in losses} == set(has)
    assert not wrong


def test_no_truth_at_all_is_an_error_that_names_it():
    joint, head = build()
    features, samples = films()
    bare = [without(one, *ALL_TRUTH.values()) for one in samples]
    with pytest.raises(
        ValueError, match=r"0\.mp4: no sample .* 'gt_instances.segments'"
    ):
        head.loss(joint(features), bare)


def test_weights_change_losses_and_no_accuracy():
    joint, head = build()
    _, weighted = build(loss_weights=dict(classes=0.25, summary=3))
    features, samples = films()
    plain = head.loss(joint(features), samples)
    found = weighted.loss(joint(features), samples)
    factors = dict(classes=0.25, events=1.0, summary=3.0)
    assert any("acc" in key for key in found)
    for key, value in plain.items():
        factor = factors[key.split(".")[0]] if "loss" in key else 1.0
        torch.testing.assert_close(found[key], factor * value)


def test_every_head_and_the_joint_learn():
    joint, head = build(operator="GatedMultimodalUnit")
    features, samples = films()
    losses = head.loss(joint(features), samples)
    sum(value for key, value in losses.items() if "loss" in key).backward()
    lazy = [n for n, p in [*head.named_parameters(), *joint.named_parameters()]
            if p.grad is None]  # fmt: skip
    assert not lazy


def test_the_joint_reduces_time_only_where_a_head_asks():
    joint, _ = build(dict(events=EVENTS, summary=SUMMARY))
    assert joint.fused_temporal is None and not joint.temporal
    joint, _ = build(HEADS)
    assert joint.fused_temporal is not None and set(joint.temporal) == set(WIDTHS)


def test_a_vector_of_padded_steps_is_that_of_the_real_ones():
    joint, head = build(dict(classes=CLASSES))
    features, samples = films(padded=True)
    together = head.predict(joint(features), samples)
    for row, count in enumerate([T, 5, 8, 3]):
        feats = {name: x[row : row + 1, :count] for name, x in features.feats.items()}
        presence = dict(audio=features.presence["audio"][row : row + 1])
        alone = joint(Features(feats, presence, common=True))
        _, (one, *_) = films()
        (one,) = head.predict(alone, [one])
        torch.testing.assert_close(together[row].pred_score, one.pred_score)


def test_captions_beside_others():
    joint, head = build(dict(events=EVENTS, captions=dict(type="SaysItsWidth")))
    features, samples = films()
    losses = head.loss(
        joint(features), [without(samples[0], "gt_captions"), *samples[1:]]
    )
    assert "captions.loss_caption" in losses
    found = head.predict(joint(features), samples)
    means = joint(features).steps.mean((1, 2))
    assert [one.pred_caption for one in found] == [f"{mean:.4f}" for mean in means]
    assert "pred_instances" in found[0]


def test_what_cannot_be_built():
    for heads in ({}, None, [EVENTS]):
        with pytest.raises(ValueError, match="expected a config of each task"):
            MultiTaskHead.needs(dict(heads=heads), WIDTHS)
    for name in ("my.events", "lossless", "two words"):
        with pytest.raises(ValueError, match="cannot be the name of a task"):
            build({name: EVENTS})
    for weights, said in (
        (dict(event=1.0), "no head 'event', there are"),
        (dict(events=-1), "must be a number from 0 on, got -1"),
        (dict(events="x"), "must be a number"),
    ):
        with pytest.raises(ValueError, match=said):
            build(loss_weights=weights)
    with pytest.raises(ValueError, match="LateFusion gives scores of classes"):
        build(operator="LateFusion")


def test_two_heads_of_one_task_are_refused():
    joint, head = build(dict(one=EVENTS, other=EVENTS))
    features, samples = films()
    with pytest.raises(ValueError, match="'one' and 'other' both predict 'pred_inst"):
        head.predict(joint(features), samples)


def test_as_the_head_of_a_recognizer():
    stream = dict(backbone=dict(type="STConvNet", stages=[dict(channels=5)]))
    model = MODELS.build(
        dict(
            type="TriModalRecognizer",
            streams=dict(rgb=stream),
            joint=dict(fusion=dict(type="ConcatFusion"), steps=4),
            cls_head=dict(
                type="MultiTaskHead",
                heads=dict(classes=dict(CLASSES, aux_loss_weight=0.0), events=EVENTS),
            ),
        )
    ).eval()
    inputs = dict(rgb=torch.randn(2, 1, 3, 8, 16, 16))
    _, samples = films(2)
    for one in samples:
        one.set_metainfo(dict(clip_starts=[0.0], clip_duration=1.0))
    losses = model(inputs, samples, mode="loss")
    assert {"classes.loss_cls", "events.loss_edges"} <= set(losses)
    found = model(inputs, samples, mode="predict")
    assert found[0].pred_score.shape == (4,) and "pred_instances" in found[1]
    raw = model(inputs)
    assert set(raw) == {"classes", "events"} and raw["classes"].shape == (2, 4)
