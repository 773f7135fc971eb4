from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from helpers_culprits import for_each

from mmstconv.models.layers import WaveResidualBlock

BN = dict(type="BN1d")
RELU = dict(type="ReLU")


@for_each("batch", [1, 2])
@for_each("norm_cfg", [None, BN])
@for_each("stride", [1, 4])
@for_each("channels", [3, 5])
def test_shapes_and_gradients(batch, norm_cfg, stride, channels):
    block = WaveResidualBlock(
        3, channels, stride=stride, norm_cfg=norm_cfg, act_cfg=RELU
    )
    y = block(torch.randn(batch, 3, 18))
    assert y.shape == (batch, block.out_channels, 18 // stride)
    y.square().sum().backward()
    for name, parameter in block.named_parameters():
        assert torch.isfinite(parameter.grad).all(), name


def test_equals_the_formula():
    block = WaveResidualBlock(2, 3, stride=4, act_cfg=RELU).eval()
    x = torch.randn(2, 2, 17)
    first, second, short = (
        layer.conv for layer in (block.conv1, block.conv2, block.downsample)
    )
    longest = x[..., :16].reshape(2, 2, 4, 4).amax(3)
    mean = x[..., :16].reshape(2, 2, 4, 4).mean(3)
    y = F.conv1d(longest, first.weight, first.bias, padding=1).relu()
    y = F.conv1d(y, second.weight, second.bias, padding=2, dilation=2)
    y = (y + F.conv1d(mean, short.weight, short.bias)).relu()
    assert torch.allclose(block(x), y, atol=1e-6)


def test_equal_shapes_need_no_projection():
    block = WaveResidualBlock(3, 3)
    assert not list(block.downsample.parameters())
    block.conv2.conv.weight.data.zero_()
    block.conv2.conv.bias.data.zero_()
    x = torch.randn(1, 3, 8)
    assert torch.equal(block(x), x)


def test_dropout_lies_between_the_convolutions():
    block = WaveResidualBlock(3, 3, dropout=1.0).train()
    x = torch.randn(1, 3, 8)
    bias = block.conv2.conv.bias[:, None]
    assert torch.allclose(block(x), x + bias, atol=1e-6)
    assert not torch.allclose(block.eval()(x), x + bias, atol=1e-3)


def test_pictures():
    block = WaveResidualBlock(1, 2, ndim=2, stride=(2, 4), norm_cfg=dict(type="BN2d"))
    assert block(torch.randn(1, 1, 9, 9)).shape == (1, 2, 4, 2)


def test_sound_too_short():
    with pytest.raises(ValueError, match=r"WaveResidualBlock.*leaves nothing"):
        WaveResidualBlock(1, 2, stride=4)(torch.randn(1, 1, 3))
