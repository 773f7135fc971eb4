"""Fusion of feature maps inside the recognizer; modality dropout."""

from __future__ import annotations

import pytest
import torch
from helpers_culprits import for_each
from mmaction.registry import MODELS

from mmstconv.models import STConvNet
from mmstconv.models.recognizers.modality_dropout import drop_modalities

POOL = dict(mode="max", size=2)


def map_cfg(make_cfg, **head):
    cfg = make_cfg()
    for stream in cfg["streams"].values():
        stream["neck"] = None
    trunk = dict(
        type="STConvNet",
        stages=[dict(channels=7, temporal_pool=POOL, spatial_pool=POOL)],
    )
    cfg["joint"].update(fusion=dict(type="Conv3dFusion", trunk=trunk, grid=(2, 4, 4)))
    cfg["cls_head"].update(head)
    return cfg


@for_each("aux", [0.0, 0.5])
@for_each("absent", [(), ("audio",), ("rgb", "flow"), ("rgb",)])
def test_maps_are_fused_and_learned(make_cfg, make_inputs, make_samples, aux, absent):
    model = MODELS.build(map_cfg(make_cfg, aux_loss_weight=aux))
    presence = [dict.fromkeys(absent, False)] * 3
    batch = make_samples(presence=presence)
    losses = model(make_inputs(), batch, mode="loss")
    sum(value for key, value in losses.items() if "loss" in key).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
    model.eval().cls_head.score_subsets = True
    with torch.no_grad():
        model(make_inputs(), batch, mode="predict")
    assert len(batch[0].subset_scores) == 8


def test_maps_are_those_of_the_backbones(make_cfg, make_inputs):
    model = MODELS.build(map_cfg(make_cfg)).eval()
    inputs = make_inputs()
    with torch.no_grad():
        maps = model.extract_feat(inputs, stage="neck")
        backbone = model.extract_feat(inputs, stage="backbone")
    for name, feat in maps.items():
        torch.testing.assert_close(feat, backbone[name])


@pytest.mark.parametrize("count", [1, 3])
def test_a_network_up_to_a_stage(count):
    whole = STConvNet(arch="lite_half").eval()
    part = STConvNet(arch="lite_half", num_stages=count).eval()
    part.load_state_dict(whole.state_dict(), strict=False)
    x = torch.randn(1, 3, 4, 32, 32)
    expected = x
    for stage in whole.stages[:count]:
        expected = stage(expected)
    torch.testing.assert_close(part(x), expected)


@pytest.mark.parametrize("count", [0, 5])
def test_no_such_stage(count):
    with pytest.raises(
        ValueError, match=rf"num_stages must lie in 1\.\.4, got {count}"
    ):
        STConvNet(arch="lite", num_stages=count)


def test_dropout_rates_and_one_that_stays():
    rows = 4000
    everything = {name: torch.ones(rows).bool() for name in ("rgb", "flow", "audio")}
    kept = drop_modalities(everything, dict(rgb=0.3, audio=1.0), clips=1)
    assert {name: (one.dtype, one.shape) for name, one in kept.items()} == (
        dict.fromkeys(everything, (torch.bool, (rows,)))
    )
    assert torch.stack([*kept.values()]).any(0).all()
    assert kept["flow"].all() and not kept["audio"].any()
    share = 1 - kept["rgb"].float().mean().item()
    assert share == pytest.approx(0.3, abs=4 * (0.3 * 0.7 / rows) ** 0.5)
    assert everything["audio"].all()


def test_the_last_one_stays():
    lonely = dict(rgb=torch.tensor([True, False]), audio=torch.tensor([False, True]))
    kept = drop_modalities(lonely, dict(rgb=1.0, audio=1.0), clips=1)
    assert set(kept) == set(lonely)
    for name, rows in lonely.items():
        assert torch.equal(kept[name], rows), name


def test_clips_of_a_sample_lose_the_same():
    present = {name: torch.ones(60).bool() for name in ("rgb", "audio")}
    kept = drop_modalities(present, dict(rgb=0.5, audio=0.5), clips=3)
    for rows in kept.values():
        for first in range(0, 60, 3):
            assert len(set(rows[first : first + 3].tolist())) == 1
    for name, rows in kept.items():
        assert not rows.all(), name


def test_dropout_is_for_training_alone(make_cfg, make_inputs, make_samples):
    cfg = dict(make_cfg(), modality_dropout=dict(rgb=1.0, flow=1.0))
    model = MODELS.build(cfg)
    calls = []
    for name, stream in model.streams.items():
        stream.register_forward_hook(lambda *_, name=name: calls.append(name))
    model(make_inputs(), make_samples(), mode="loss")
    assert calls == ["audio"]
    calls.clear()
    with torch.no_grad():
        model.eval()(make_inputs(), make_samples(), mode="predict")
    assert calls == ["rgb", "flow", "audio"]


def test_what_a_base_says_of_a_stream_that_is_left_out(make_cfg):
    cfg = make_cfg()
    cfg["streams"].pop("audio")
    cfg["cls_head"]["train_without"] = ["audio", "flow"]
    model = MODELS.build(dict(cfg, modality_dropout=dict(audio=0.5, flow=0.2)))
    assert model.modality_dropout == dict(flow=0.2)
    assert model.cls_head.train_without == ("flow",)


@pytest.mark.parametrize(
    ("rates", "message"),
    [
        (dict(smell=0.1), "'smell' has no stream"),
        (dict(rgb=1.5), "lie in 0..1, got 1.5"),
    ],
)
def test_wrong_rates(make_cfg, rates, message):
    with pytest.raises(ValueError, match=message):
        MODELS.build(dict(make_cfg(), modality_dropout=rates))
