from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from helpers_culprits import for_each
from mmaction.structures import ActionDataSample
from models.task import Task

from mmstconv.models import Joint, TriModalFusionHead

WIDTHS = {"rgb": 6, "audio": 4}
CLASSES = 4


def build(**kwargs):
    cfg = dict(num_classes=CLASSES, dropout_ratio=0.0, init_std=1.0)
    cfg.update(kwargs)
    head = Task(cfg.pop("in_channels", WIDTHS), **cfg)
    for parameter in head.parameters():
        torch.nn.init.normal_(parameter)
    return head


def features(rows=3, steps=5):
    return {name: torch.randn(rows, steps, width) for name, width in WIDTHS.items()}


def samples(*labels):
    return [
        ActionDataSample(metainfo=dict(filename=f"{row}.mp4")).set_gt_label(label)
        for row, label in enumerate(labels)
    ]


@for_each("rows", [1, 3])
@for_each("kind", ["LastState", "MeanOverTime", "AttentionOverTime"])
@for_each("aux", [0.0, 0.5])
def test_shapes_and_gradient(rows, kind, aux):
    head = build(temporal=dict(type=kind), aux_loss_weight=aux)
    feats = features(rows)
    assert head(feats).shape == (rows, CLASSES)
    losses = head.loss(feats, samples(*range(rows)))
    assert ("loss_aux_rgb" in losses) == (aux > 0)
    sum(value for key, value in losses.items() if "loss" in key).backward()
    for name, parameter in head.named_parameters():
        assert torch.isfinite(parameter.grad).all(), name


def test_reduction_per_stream():
    head = build(
        temporal=dict(rgb=dict(type="MeanOverTime"), audio=dict(type="LastState")),
        fusion=dict(type="ConcatFusion"),
    )
    feats = features()
    fused = head.fused(feats)
    reduced = fused.streams
    assert torch.equal(reduced["rgb"], feats["rgb"].mean(1))
    assert torch.equal(reduced["audio"], feats["audio"][:, -1])
    assert fused.vector.shape == (3, 10)
    assert torch.equal(fused.vector, torch.cat([reduced["audio"], reduced["rgb"]], 1))


@pytest.mark.parametrize("rows", [1, 3, CLASSES])
def test_loss_of_class_labels(rows):
    head, feats = build(), features(rows)
    losses = head.loss(feats, samples(*range(rows)))
    scores = head(feats)
    assert torch.allclose(
        losses["loss_cls"], F.cross_entropy(scores, torch.arange(rows))
    )
    hits = (scores.argmax(1) == torch.arange(rows)).float().mean()
    assert losses["top1_acc"] == hits
    assert set(losses) == {"loss_cls", "top1_acc"}  # top 5 of 4 classes says nothing


@pytest.mark.parametrize("rows", [1, 3, CLASSES])
def test_loss_of_soft_labels(rows):
    head, feats = build(), features(rows)
    soft = torch.rand(rows, CLASSES).softmax(1)
    losses = head.loss(feats, samples(*soft))
    assert torch.allclose(losses["loss_cls"], F.cross_entropy(head(feats), soft))
    hits = (head(feats).argmax(1) == soft.argmax(1)).float().mean()
    assert losses["top1_acc"] == hits


def test_loss_of_class_and_soft_labels_together():
    head, feats = build(), features(2)
    soft = torch.tensor([0.0, 0.5, 0.5, 0.0])
    losses = head.loss(feats, samples(3, soft))
    target = torch.stack([F.one_hot(torch.tensor(3), CLASSES).float(), soft])
    assert torch.allclose(losses["loss_cls"], F.cross_entropy(head(feats), target))


@pytest.mark.parametrize("rows", [1, 3])
def test_label_smoothing(rows):
    head, feats = build(label_smooth_eps=0.1), features(rows)
    losses = head.loss(feats, samples(*range(rows)))
    expected = F.cross_entropy(head(feats), torch.arange(rows), label_smoothing=0.1)
    assert torch.allclose(losses["loss_cls"], expected)
    assert "top1_acc" in losses


def test_clips_of_a_sample_share_its_label():
    head, feats = build(), features(6)
    losses = head.loss(feats, samples(1, 0, 3))
    labels = torch.tensor([1, 1, 0, 0, 3, 3])
    assert torch.allclose(losses["loss_cls"], F.cross_entropy(head(feats), labels))


def test_aux_loss_is_the_mean_over_present_samples():
    head = build(aux_loss_weight=dict(rgb=0.0, audio=0.3))
    feats = features()
    presence = {
        "rgb": torch.ones(3, dtype=torch.bool),
        "audio": torch.tensor([True, False, True]),
    }
    losses = head.loss(feats, samples(0, 1, 2), presence)
    scores = head.head.aux_cls["audio"](feats["audio"][:, -1])[[0, 2]]
    expected = 0.3 * F.cross_entropy(scores, torch.tensor([0, 2]))
    assert torch.allclose(losses["loss_aux_audio"], expected)
    assert "loss_aux_rgb" not in losses


def test_aux_loss_of_a_modality_that_no_sample_has():
    head = build(aux_loss_weight=0.3)
    presence = {"audio": torch.zeros(3, dtype=torch.bool)}
    feats = dict(features(), audio=torch.zeros(3, 1, 4))
    loss = head.loss(feats, samples(0, 1, 2), presence)["loss_aux_audio"]
    loss.backward()
    assert loss == 0
    assert torch.equal(head.head.aux_cls["audio"].weight.grad, torch.zeros(4, 4))


@pytest.mark.parametrize("clips", [1, 3])
def test_prediction_averages_clips(clips):
    head = build(aux_loss_weight=dict(rgb=0.0, audio=1.0)).eval()
    feats = features(2 * clips)
    predicted = head.predict(feats, samples(0, 1))
    mean = head(feats).softmax(1).reshape(2, clips, CLASSES).mean(1)
    for row, sample in enumerate(predicted):
        assert torch.allclose(sample.pred_score, mean[row])
        assert sample.pred_label == mean[row].argmax()
        assert set(sample.stream_scores) == {"audio"}
        assert sample.stream_scores["audio"].sum().item() == pytest.approx(1, abs=1e-5)


def test_prediction_of_scores():
    head, feats = build(average_clips="score").eval(), features(4)
    predicted = head.predict(feats, samples(0, 1))
    assert torch.allclose(predicted[1].pred_score, head(feats)[2:].mean(0))
    assert "stream_scores" not in predicted[0]


@pytest.mark.parametrize("average", ["prob", "score"])
@pytest.mark.parametrize("fusion", ["ConcatFusion", "LateFusion"])
def test_temperature(average, fusion):
    """Of the joint and its subsets, after the mean over clips; no answer changes."""
    cfg = dict(average_clips=average, fusion=dict(type=fusion), aux_loss_weight=1.0)
    plain = build(**cfg, score_subsets=True).eval()
    scaled = build(**cfg, score_subsets=True, temperature=2.5).eval()
    assert not scaled.load_state_dict(plain.state_dict()).missing_keys
    feats = features(6)
    for before, after in zip(
        plain.predict(feats, samples(0, 1)), scaled.predict(feats, samples(0, 1))
    ):
        pairs = [(before.subset_scores[n], p) for n, p in after.subset_scores.items()]
        for old, new in [*pairs, (before.pred_score, after.pred_score)]:
            if average == "prob":  # p ** (1 / T), normalised
                old = old.double() ** (1 / 2.5)
                assert torch.allclose(new.double(), old / old.sum(), atol=1e-6)
            else:
                assert torch.allclose(new, old / 2.5)
        assert torch.equal(before.pred_label, after.pred_label)
        for name, own in after.stream_scores.items():
            assert torch.equal(own, before.stream_scores[name])
        assert after.metainfo["temperature"] == 2.5
        assert "temperature" not in before.metainfo
    losses = (head.loss(feats, samples(0, 1))["loss_cls"] for head in (plain, scaled))
    assert torch.equal(*losses)


def test_temperature_of_impossible_classes():
    """A probability of 0 stays 0; a single clip is scaled as its scores would be."""
    head = build(temperature=3.0).head
    scores = torch.tensor([[200.0, 0.0, -1.0, -200.0], [1.0, 2.0, 3.0, 4.0]])
    found = head.average_clip(scores)
    assert torch.allclose(found[0], torch.tensor([1.0, 0.0, 0.0, 0.0]))
    assert torch.allclose(found[1], (scores[1] / 3).softmax(0))


def test_absent_modality_has_no_score_of_its_own():
    head = build(aux_loss_weight=1.0).eval()
    presence = {"audio": torch.tensor([True, True, False, False])}
    first, second = head.predict(features(4), samples(0, 1), presence)
    assert set(first.stream_scores) == {"rgb", "audio"}
    assert set(second.stream_scores) == {"rgb"}


def test_scores_are_full_precision_under_autocast():
    head = build(aux_loss_weight=1.0)
    with torch.autocast("cpu", torch.bfloat16):
        losses = head.loss(features(), samples(0, 1, 2))
        (first, *_) = head.predict(features(), samples(0, 1, 2))
    assert losses["loss_cls"].dtype == torch.float32
    first.pred_score.detach().numpy()
    first.stream_scores["rgb"].detach().numpy()


@pytest.mark.parametrize("label", [-1, CLASSES, 100])
def test_label_outside_the_classes_is_named(label):
    with pytest.raises(ValueError) as error:
        build().loss(features(), samples(0, label, 1))
    for part in ("1.mp4", f"label {label} ", f"num_classes={CLASSES}"):
        assert part in str(error.value)


def test_label_outside_the_classes_beside_soft_ones():
    with pytest.raises(ValueError, match=r"0\.mp4: label 9"):
        build().loss(features(2), samples(9, torch.ones(CLASSES) / CLASSES))


@pytest.mark.parametrize("label", [torch.rand(3), torch.tensor([0.5])])
def test_label_of_wrong_size_is_named(label):
    with pytest.raises(ValueError, match=r"0\.mp4: label"):
        build().loss(features(1), samples(label))


def test_missing_label_is_named():
    sample = ActionDataSample(metainfo=dict(filename="7.mp4"))
    with pytest.raises(ValueError, match=r"7\.mp4: no gt_label"):
        build().loss(features(1), [sample])


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        (dict(average_clips=None), "average_clips is None"),
        (dict(temperature=0), "temperature must be above 0, got 0"),
        (dict(temperature=float("nan")), "temperature must be above 0, got nan"),
        (dict(temperature=2, multi_class=True), "temperature=2 is for one class"),
        (dict(temporal=dict(rgb=dict(type="LastState"))), r"temporal: .*audio"),
        (dict(aux_loss_weight=dict(flow=1.0)), r"aux_loss_weight: .*flow"),
    ],
)
def test_wrong_config(kwargs, message):
    with pytest.raises(ValueError, match=message):
        build(**kwargs)


@pytest.mark.parametrize("channels", [4, {}], ids=str)
def test_channels_that_are_of_no_stream(channels):
    message = "_channels: expected the channels of each stream, .* got {}"
    message = message.format(channels)
    with pytest.raises(ValueError, match=f"stream{message}"):
        TriModalFusionHead(CLASSES, 5, channels)
    with pytest.raises(ValueError, match=f"joint.in{message}"):
        Joint(channels)


def test_checkpoint_of_other_classes_is_an_error():
    with pytest.raises(ValueError, match=r"7 classes.*num_classes is 4"):
        build().head.load_state_dict(build(num_classes=7).head.state_dict())
    build().load_state_dict(build().state_dict())
