from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from helpers_culprits import for_each

from mmstconv.models.layers import ConvBlock, FeatureGate


@for_each("batch", [1, 2])
@for_each("ndim", [1, 2, 3])
@for_each("kernel_size", [1, 3])
@for_each("gate", [False, True])
def test_shapes_and_gradient(batch, ndim, kernel_size, gate):
    block = ConvBlock(
        2,
        4,
        ndim=ndim,
        kernel_size=kernel_size,
        norm_cfg=dict(type=f"BN{ndim}d"),
        act_cfg=dict(type="ReLU"),
        gate=gate,
    )
    y = block(torch.rand(batch, 2, *[6] * ndim))
    assert y.shape == (batch, 4, *[6] * ndim)
    y.square().sum().backward()
    assert all(torch.isfinite(one.grad).all() for one in block.parameters())


def test_half_the_kernel_keeps_the_size_with_dilation_too():
    block = ConvBlock(1, 2, ndim=1, kernel_size=3, dilation=4)
    assert block(torch.rand(1, 1, 16)).shape == (1, 2, 16)


def test_without_norm_it_is_the_convolution():
    block = ConvBlock(2, 3, ndim=2, kernel_size=(3, 5), stride=(1, 2))
    x = torch.rand(1, 2, 7, 8)
    expected = F.conv2d(x, block.conv.weight, block.conv.bias, (1, 2), (1, 2))
    torch.testing.assert_close(block(x), expected)


def test_a_factorized_convolution_takes_the_norm_of_the_block():
    block = ConvBlock(
        2,
        4,
        conv_cfg=dict(type="SeparableConv3d"),
        norm_cfg=dict(type="BN3d", eps=0.25),
    )
    assert block.conv.bn_s.eps == block.bn.eps == 0.25


def test_gate_weighs_whole_channels():
    gate = FeatureGate(3)
    x = torch.randn(2, 3, 2, 4, 5)
    mean = x.double().mean(dim=(2, 3, 4))
    weight = 1 / (1 + torch.exp(-(mean @ gate.fc.weight.double().T + gate.fc.bias)))
    expected = x * weight[:, :, None, None, None]
    torch.testing.assert_close(gate(x).double(), expected, rtol=1e-5, atol=1e-6)


@for_each("name", ["kernel_size", "stride", "padding", "dilation"])
def test_wrong_number_of_axes_is_named(name):
    with pytest.raises(ValueError, match=f"{name}: expected 3 numbers"):
        ConvBlock(1, 1, **{name: (1, 1)})


def test_unknown_convolution():
    with pytest.raises(ValueError, match="conv_cfg: no layer 'Conv4d'"):
        ConvBlock(1, 1, conv_cfg=dict(type="Conv4d"))
