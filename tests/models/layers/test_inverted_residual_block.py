from __future__ import annotations

import torch
from helpers_culprits import for_each

from mmstconv.models.layers import InvertedResidualBlock

BN = dict(norm_cfg=dict(type="BN3d"), act_cfg=dict(type="ReLU"))


@for_each("batch", [1, 2])
@for_each("channels", [8, 16])
@for_each("stride", [1, (1, 2, 2)])
@for_each("gate", [False, True])
def test_shapes_and_gradient(batch, channels, stride, gate):
    net = InvertedResidualBlock(8, channels, stride=stride, gate=gate, **BN)
    y = net(torch.randn(batch, 8, 4, 6, 6))
    side = 6 if stride == 1 else 3
    assert y.shape == (batch, channels, 4, side, side)
    y.square().sum().backward()
    assert all(torch.isfinite(one.grad).all() for one in net.parameters())


def test_one_channel_does_not_see_another_in_the_middle():
    net = InvertedResidualBlock(4, 4, expansion=2, norm_cfg=None)
    x = torch.randn(1, 8, 3, 4, 4, requires_grad=True)
    net.depthwise(x)[:, 3].sum().backward()
    seen = x.grad.abs().sum(dim=(0, 2, 3, 4)) > 0
    assert seen.tolist() == [channel == 3 for channel in range(8)]


def test_without_residual_the_input_comes_through():
    net = InvertedResidualBlock(8, 8, **BN).eval()
    torch.nn.init.zeros_(net.project.bn.weight)
    x = torch.randn(1, 8, 2, 4, 4)
    torch.testing.assert_close(net(x), x.relu())


def test_in_one_dimension_for_sound():
    net = InvertedResidualBlock(4, 6, ndim=1, kernel_size=9, stride=2)
    assert net(torch.randn(2, 4, 20)).shape == (2, 6, 10)
