from __future__ import annotations

import copy

import pytest
import torch
from helpers_culprits import for_each
from mmaction.registry import MODELS
from torch import nn

from mmstconv.models import STConvNet


def max_pool(size, **kwargs):
    return dict(mode="max", size=size, **kwargs)


C3D_STAGES = [
    dict(channels=64, spatial_pool=max_pool(2)),
    dict(channels=128, temporal_pool=max_pool(2), spatial_pool=max_pool(2)),
    dict(
        channels=256,
        num_blocks=2,
        temporal_pool=max_pool(2),
        spatial_pool=max_pool(2),
    ),
    dict(
        channels=512,
        num_blocks=2,
        temporal_pool=max_pool(2),
        spatial_pool=max_pool(2),
    ),
    dict(
        channels=512,
        num_blocks=2,
        temporal_pool=max_pool(2),
        spatial_pool=max_pool(2, padding=1),
    ),
]


@for_each("batch", [1, 2])
@for_each("in_channels", [2, 3])
@for_each("norm_cfg", [None, dict(type="BN3d")])
@for_each("num_blocks", [1, 2])
def test_shapes_and_gradient(batch, in_channels, norm_cfg, num_blocks):
    net = STConvNet(
        [
            dict(channels=4, kernel_size=(1, 3, 3), stride=(1, 2, 2)),
            dict(channels=6, num_blocks=num_blocks, temporal_pool=max_pool(2)),
        ],
        in_channels=in_channels,
        norm_cfg=norm_cfg,
    )
    y = net(torch.randn(batch, in_channels, 4, 8, 10))
    assert y.shape == (batch, net.out_channels, 2, 4, 5)
    y.square().sum().backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name


def test_one_config_is_c3d():
    c3d = MODELS.build(dict(type="C3D", out_dim=1)).eval()
    c3d.fc6 = c3d.fc7 = nn.Identity()
    net = STConvNet(C3D_STAGES, norm_cfg=None).eval()
    theirs = [layer for layer in c3d.modules() if isinstance(layer, nn.Conv3d)]
    ours = [layer for layer in net.modules() if isinstance(layer, nn.Conv3d)]
    for source, target in zip(theirs, ours):
        target.load_state_dict(source.state_dict())
        nn.init.uniform_(source.bias, 0, 0.1)
        target.bias.data.copy_(source.bias)
    x = torch.randn(2, 3, 16, 32, 32)
    with torch.no_grad():
        expected, got = c3d(x), net(x)
    assert len(theirs) == len(ours) == 8
    assert got.shape[1:] == (512, 1, 2, 2)
    error = (got.flatten(1) - expected).abs().max() / expected.abs().max()
    assert error <= 1e-5


def test_norm_eval_keeps_statistics():
    net = STConvNet([dict(channels=4)], norm_eval=True)
    assert net.train() is net
    norm = net.stages[0].blocks[0].bn
    net(torch.randn(2, 3, 2, 4, 4) + 5)
    assert torch.equal(norm.running_mean, torch.zeros(4))
    assert norm.weight.requires_grad


def test_stages_are_not_changed():
    stages = [dict(channels=4, temporal_pool=max_pool(2))]
    STConvNet(stages)
    assert stages == [dict(channels=4, temporal_pool=max_pool(2))]


@pytest.mark.parametrize("shape", [(1, 2, 4, 8, 8), (1, 3, 8, 8), (3, 4, 8, 8)])
def test_wrong_input_names_expected_and_got(shape):
    net = STConvNet([dict(channels=4)])
    with pytest.raises(ValueError) as error:
        net(torch.rand(shape))
    assert "(N, 3, T, H, W)" in str(error.value)
    assert str(shape) in str(error.value)


def test_clip_too_short_for_the_pooling():
    net = STConvNet([dict(channels=4, temporal_pool=max_pool(8))])
    with pytest.raises(ValueError, match=r"temporal pooling.*leaves nothing"):
        net(torch.rand(1, 3, 4, 8, 8))


@for_each(
    "stages, message",
    [
        ([], "empty"),
        ([dict(channels=4), dict(num_blocks=1)], r"stages\[1\].*channels"),
        ([dict(channels=4, pool=None)], r"stages\[0\].*'pool'.*spatial_pool"),
        ([dict(channels=4, kernel_size=(3, 3))], "kernel_size: expected 3 numbers"),
        ([dict(channels=4, num_blocks=0)], "num_blocks"),
    ],
)
def test_wrong_stages(stages, message):
    with pytest.raises(ValueError, match=message):
        STConvNet(stages)


def test_computes_channels_last():
    net = STConvNet(arch="lite")
    layouts = []
    net.stages[-1].register_forward_pre_hook(
        lambda _, inputs: layouts.append(
            inputs[0].is_contiguous(memory_format=torch.channels_last_3d)
        )
    )
    x = torch.randn(2, 3, 8, 32, 32)
    for run in (net, net.run_stages):
        run(x)
    assert layouts == [True, False]


@pytest.mark.parametrize("arch", ["lite", "r3d_18"])
def test_output_and_gradients_are_those_of_the_plain_layout(arch):
    torch.manual_seed(0)
    net = STConvNet(arch=arch).double()
    x = torch.randn(2, 3, 8, 32, 32, dtype=torch.float64)
    found = []
    for run in (net, net.run_stages):
        net.zero_grad()
        y = run(x)
        y.square().sum().backward()
        found.append([y, *(one.grad.clone() for one in net.parameters())])
    for one, other in zip(*found):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9)


def test_single_precision_of_the_default_network():
    """In training, where statistics are summed up in float32 as well."""
    torch.manual_seed(0)
    net = STConvNet(arch="lite")
    exact = copy.deepcopy(net).double()
    x = torch.randn(2, 3, 16, 112, 112)
    expected = exact(x.double())
    error = (net(x) - expected).abs().max() / expected.abs().max()
    assert error <= 1e-5
