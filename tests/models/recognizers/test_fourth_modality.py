"""A modality of the user's own: an inertial sensor beside video, flow and sound."""

from __future__ import annotations

from itertools import combinations

import pytest
import torch
from mmaction.registry import METRICS, MODELS

AXES = 6
NAMES = ("rgb", "flow", "audio", "imu")
PRESENCE = [{}, dict(imu=False), dict(rgb=False, flow=False, audio=False)]


@pytest.fixture
def cfg(make_cfg):
    cfg = make_cfg(aux_loss_weight=0.3, fusion=dict(type="GatedMultimodalUnit"))
    # first in the config, last in every order of ours
    cfg["streams"] = dict(
        imu=dict(
            backbone=dict(
                type="AudioConvNet", in_channels=AXES, stages=[dict(channels=5)]
            ),
            neck=dict(type="LSTMTemporalNeck", hidden_channels=7),
        ),
        **cfg["streams"],
    )
    return cfg


@pytest.fixture
def inputs(make_inputs):
    return dict(make_inputs(), imu=torch.randn(3, 1, AXES, 20))


def test_losses_reach_every_part(cfg, inputs, make_samples):
    model = MODELS.build(dict(cfg, modality_dropout=dict(imu=0.5)))
    assert tuple(model.streams) == NAMES
    losses = model(inputs, make_samples(presence=PRESENCE), mode="loss")
    assert {f"loss_aux_{name}" for name in NAMES} < set(losses)
    sum(value for key, value in losses.items() if "loss" in key).backward()
    wrong = [
        name
        for name, p in model.named_parameters()
        if p.grad is None or not p.grad.isfinite().all()
    ]
    assert not wrong


def test_what_it_holds_when_absent_changes_nothing(cfg, inputs, make_samples):
    model = MODELS.build(cfg).eval()
    scores = model(inputs, make_samples(presence=PRESENCE))
    inputs["imu"][1] = torch.nan
    assert torch.equal(model(inputs, make_samples(presence=PRESENCE)), scores)
    assert not torch.allclose(model(inputs, make_samples())[2], scores[2])


def test_sixteen_subsets_and_a_report(cfg, inputs, make_samples):
    cfg["cls_head"]["score_subsets"] = True
    model = MODELS.build(cfg).eval()
    with torch.no_grad():
        samples = model(inputs, make_samples(presence=PRESENCE), mode="predict")
    names = [
        "+".join(members) or "none"
        for size in range(5)
        for members in combinations(NAMES, size)
    ]
    assert [*samples[0].subset_scores] == names and len(names) == 2**4
    whole, alone = (samples[row].subset_scores for row in (0, 2))
    torch.testing.assert_close(whole["rgb+flow+audio+imu"], samples[0].pred_score)
    torch.testing.assert_close(alone["audio+imu"], alone["imu"])
    torch.testing.assert_close(alone["rgb+audio"], alone["none"])
    assert set(samples[1].stream_scores) == {"rgb", "flow", "audio"}
    assert set(samples[2].modality_weights) == set(NAMES)

    metric = METRICS.build(dict(type="ModalityMetric", prefix="m"))
    metric.process(None, [one.to_dict() for one in samples])
    found = metric.evaluate(3)
    assert {f"m/acc/{name}" for name in names} <= set(found)
    assert {f"m/shapley/{name}" for name in NAMES} <= set(found)


def test_dropout_takes_it_away(cfg, inputs, make_samples):
    rates = dict(imu=1.0, rgb=1.0)
    model = MODELS.build(dict(cfg, modality_dropout=rates))
    calls = []
    for name, stream in model.streams.items():
        stream.register_forward_hook(lambda *_, name=name: calls.append(name))
    model(inputs, make_samples(), mode="loss")
    assert calls == ["flow", "audio"]


def test_training_steps_on_packed_samples(cfg, make_samples):
    """Through the default preprocessor, as a loader gives them."""
    model = MODELS.build(cfg)
    batch = dict(
        inputs=dict(
            rgb=[torch.randint(0, 256, (1, 3, 4, 8, 8), dtype=torch.uint8)] * 3,
            flow=[torch.randn(1, 2, 4, 8, 8)] * 3,
            audio=[torch.randn(1, 6, 10)] * 3,
            imu=[torch.randn(1, AXES, 20) for _ in range(3)],
        ),
        data_samples=make_samples(),
    )
    data = model.data_preprocessor(batch, True)
    assert data["inputs"]["imu"].shape == (3, 1, AXES, 20)
    assert model(**data, mode="loss")["loss_cls"].isfinite()


def test_a_child_config_leaves_it_out(cfg, inputs, make_samples):
    """What its base says of it does not count; a typo does."""
    parts = {name: dict(type="ActionDataPreprocessor") for name in NAMES}
    base = dict(
        cfg,
        modality_dropout=dict(imu=0.5, audio=0.2),
        data_preprocessor=dict(type="TriModalDataPreprocessor", preprocessors=parts),
    )
    base["streams"].pop("imu")
    model = MODELS.build(base)
    assert model.modality_dropout == dict(audio=0.2)
    assert model(inputs, make_samples(), mode="loss")["loss_cls"].isfinite()
    for name in ("imv", "Audio"):
        wrong = dict(base, modality_dropout={name: 0.5})
        with pytest.raises(ValueError, match=f"'{name}' has no stream, there are"):
            MODELS.build(wrong)
    del base["data_preprocessor"]  # then nobody has heard of it
    with pytest.raises(ValueError, match="'imu' has no stream"):
        MODELS.build(base)
