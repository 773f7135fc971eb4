"""What the parts of a recognizer learn of each other, and what does not fit."""

from __future__ import annotations

import copy

import pytest
import torch
from mmaction.registry import MODELS
from mmengine.model import BaseModule
from torch import nn

from mmstconv.models import STConvNet


class Silent(BaseModule):
    """A backbone that does not say how many channels it gives."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv3d(3, 5, 1)

    def forward(self, x):
        return self.conv(x)


class Steps(BaseModule):
    """A head that is no classifier; it says nothing of itself, so it reads steps."""

    def __init__(self, in_channels):
        super().__init__()
        self.fc = nn.Linear(in_channels, 1)

    def forward(self, fused):
        return self.fc(fused.steps)

    def loss(self, fused, data_samples):
        return dict(loss=self(fused).square().mean())


def test_widths_follow_from_what_is_before(make_cfg, make_inputs):
    """A config that names them, and one that names none, are one model."""
    named = make_cfg(aux_loss_weight=1.0, fusion=dict(type="ConcatFusion"))
    bare = copy.deepcopy(named)
    for stream in bare["streams"].values():
        del stream["neck"]["in_channels"]
    models = []
    for cfg in (named, bare):
        torch.manual_seed(0)
        models.append(MODELS.build(cfg).eval())
    assert models[1].joint.in_channels == dict(rgb=8, flow=6, audio=4)
    assert models[1].cls_head.fc_cls.in_features == 18
    inputs = make_inputs()
    assert torch.equal(models[0](inputs), models[1](inputs))
    maps = copy.deepcopy(bare)
    maps["joint"] = dict(
        fusion=dict(
            type="Conv3dFusion",
            grid=(1, 1, 1),
            trunk=dict(type="STConvNet", stages=[dict(channels=7)]),
        )
    )
    maps["cls_head"]["aux_loss_weight"] = 0.0
    for stream in maps["streams"].values():
        stream["neck"] = None
    model = MODELS.build(maps)
    assert model.joint.in_channels == dict(rgb=5, flow=5, audio=5)
    assert model.cls_head.fc_cls.in_features == 7


def test_a_width_that_nobody_says(make_cfg, make_inputs):
    for neck in (None, dict(type="LSTMTemporalNeck", in_channels=5, hidden_channels=6)):
        cfg = make_cfg(("rgb", "audio"), fusion=dict(type="ConcatFusion"))
        cfg["streams"]["rgb"] = dict(backbone=Silent(), neck=neck)
        if neck is None:
            with pytest.raises(ValueError, match=r"streams\.rgb does not .*rgb=\.\.\."):
                MODELS.build(cfg)
            cfg["joint"]["in_channels"] = dict(rgb=5)
        model = MODELS.build(cfg)
        assert model(make_inputs(2)).shape == (2, 4)


def test_a_width_of_a_stream_that_is_left_out(make_cfg):
    cfg = make_cfg(("rgb", "audio"))
    cfg["joint"]["in_channels"] = dict(flow=6, rgb=8)
    assert MODELS.build(cfg).joint.in_channels == dict(rgb=8, audio=4)
    cfg["joint"]["in_channels"] = dict(smell=6)
    with pytest.raises(ValueError, match=r"has \['smell'\], but .* \['audio', 'rgb'\]"):
        MODELS.build(cfg)


def test_arguments_that_are_the_joints(make_cfg):
    cases = dict(
        fusion=(dict(type="SumFusion"), r"joint=dict\(fusion=\.\.\.\)"),
        temporal=(dict(type="LastState"), r"joint=dict\(temporal=\.\.\.\)"),
        fuse_steps=(4, r"joint=dict\(steps=\.\.\.\)"),
        in_channels=(dict(rgb=8), r"leave it out .*joint=dict\(in_channels=\.\.\.\)"),
    )
    for key, (value, message) in cases.items():
        cfg = make_cfg()
        cfg["cls_head"][key] = value
        with pytest.raises(ValueError, match=rf"cls_head\.{key} .*{message}"):
            MODELS.build(cfg)


def test_scores_for_a_head_that_is_no_classifier(make_cfg):
    cfg = make_cfg(fusion=dict(type="ClassWeightedFusion"))
    cfg["cls_head"] = dict(type=Steps)
    with pytest.raises(ValueError, match="ClassWeightedFusion gives scores of classes"):
        MODELS.build(cfg)


def test_classes_that_are_not_there(make_cfg):
    for key, name in (("joint", "Knot"), ("cls_head", "Toe")):
        cfg = make_cfg()
        cfg[key]["type"] = name
        with pytest.raises((ValueError, KeyError), match=name):
            MODELS.build(cfg)
    cfg = make_cfg(fusion=dict(type="Stew"))
    with pytest.raises(ValueError, match="'Stew'"):
        MODELS.build(cfg)


def test_steps_of_a_recognizer(make_cfg, make_inputs, make_samples):
    """Fused over time, with presence and, where it is known, the time."""
    cfg = make_cfg(fusion=dict(type="SumFusion", channels=9))
    cfg["cls_head"] = dict(type=Steps)
    model = MODELS.build(cfg).eval()
    inputs = make_inputs(2, 2)
    samples = make_samples(2, [{}, dict(audio=False)])
    found = model(inputs, samples, stage="steps")
    assert found.fused.shape == (4, 2, 9) and found.seconds is None
    assert found.presence["audio"].tolist() == [True, True, False, False]
    assert torch.equal(model(inputs, samples), model.cls_head.fc(found.fused))
    for sample, starts in zip(samples, ([0.0, 5.0], [2.0, 8.0])):
        sample.set_metainfo(dict(clip_starts=starts, clip_duration=1.0))
    seconds = model(inputs, samples, stage="steps").seconds
    begins = torch.tensor([0.0, 5.0, 2.0, 8.0], dtype=torch.float64)
    wanted = begins[:, None] + torch.tensor([0.0, 0.5], dtype=torch.float64)
    torch.testing.assert_close(seconds[..., 0], wanted)
    torch.testing.assert_close(seconds[..., 1], wanted + 0.5)
    given = dict.fromkeys(("rgb", "flow", "audio"), torch.ones(4).bool())
    given["audio"] = torch.tensor([True, True, False, False])
    assert torch.equal(model(inputs, stage="steps", presence=given).fused, found.fused)


def test_steps_of_networks_without_padding(make_cfg):
    """They lie where the network looks, and sound is averaged onto them."""
    cfg = make_cfg(("rgb", "audio"), fusion=dict(type="ConcatFusion"))
    pool = dict(mode="max", size=2)
    cfg["streams"]["rgb"]["backbone"] = dict(
        type="STConvNet",
        temporal_padding=False,
        stages=[dict(channels=5, temporal_pool=pool), dict(channels=5)],
    )
    model = MODELS.build(cfg).eval()
    inputs = dict(rgb=torch.randn(1, 1, 3, 16, 8, 8), audio=torch.randn(1, 1, 6, 64))
    net = model.streams["rgb"].backbone
    assert isinstance(net, STConvNet)
    grid = net.step_grid(16)
    fused = model.fuse(inputs)
    assert fused.features.grid_of("rgb") == grid
    assert fused.features.grid_of("audio") is None
    # A step of the second convolution sees 8 frames, the next begins 2 later.
    assert (grid.first, grid.width, fused.steps.shape[1]) == (3, 2, 5)
    sound = fused.features.feats["audio"][0]  # 32 steps of half a frame each
    wanted = torch.stack([sound[6 + 4 * i : 10 + 4 * i].mean(0) for i in range(5)])
    torch.testing.assert_close(fused.steps[0, :, :4], wanted)  # audio, rgb
