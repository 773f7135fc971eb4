from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from helpers_culprits import for_each

from mmstconv.models.layers import BottleneckBlock, ResidualBlock
from mmstconv.models.layers.residual_block import PadShortcut

BN = dict(norm_cfg=dict(type="BN3d"), act_cfg=dict(type="ReLU"))


@for_each("block", [ResidualBlock, BottleneckBlock])
@for_each("batch", [1, 2])
@for_each("channels", [8, 16])
@for_each("stride", [1, 2, (1, 2, 2)])
@for_each("shortcut", ["projection", "pad"])
def test_shapes_and_gradient(block, batch, channels, stride, shortcut):
    net = block(8, channels, stride=stride, shortcut=shortcut, **BN)
    y = net(torch.randn(batch, 8, 4, 6, 6))
    step_t, step_s = (stride, stride) if isinstance(stride, int) else (1, 2)
    assert y.shape == (batch, channels, 4 // step_t, 6 // step_s, 6 // step_s)
    y.square().sum().backward()
    assert all(torch.isfinite(one.grad).all() for one in net.parameters())


@pytest.mark.parametrize("block", [ResidualBlock, BottleneckBlock])
def test_without_residual_the_input_comes_through(block):
    net = block(8, 8, **BN).eval()
    last = net.conv2 if block is ResidualBlock else net.conv3
    torch.nn.init.zeros_(last.bn.weight)
    x = torch.randn(1, 8, 2, 4, 4)
    torch.testing.assert_close(net(x), x.relu())


def test_two_convolutions_and_a_sum():
    net = ResidualBlock(2, 2, norm_cfg=None, act_cfg=dict(type="ReLU"))
    x = torch.randn(1, 2, 3, 4, 4)
    one, two = net.conv1.conv, net.conv2.conv
    y = F.conv3d(x, one.weight, one.bias, padding=1).relu()
    y = F.conv3d(y, two.weight, two.bias, padding=1)
    torch.testing.assert_close(net(x), (y + x).relu())


def test_pad_shortcut_takes_every_second_position():
    x = torch.randn(1, 2, 4, 4, 4)
    y = PadShortcut(5, (2, 2, 2))(x)
    torch.testing.assert_close(y[:, :2], x[:, :, ::2, ::2, ::2])
    assert y.shape == (1, 5, 2, 2, 2) and not y[:, 2:].any()


def test_the_middle_of_a_bottleneck_strides():
    net = BottleneckBlock(8, 16, stride=2, **BN)
    strides = [conv.stride for conv in (net.conv1.conv, net.conv2.conv, net.conv3.conv)]
    assert strides == [(1, 1, 1), (2, 2, 2), (1, 1, 1)]
    assert net.conv2.conv.out_channels == 4


@pytest.mark.parametrize("block", [ResidualBlock, BottleneckBlock])
def test_unknown_shortcut(block):
    with pytest.raises(ValueError, match=r"shortcut.*'projection' or 'pad'.*'none'"):
        block(4, 8, shortcut="none")
