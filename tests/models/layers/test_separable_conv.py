from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from helpers_culprits import for_each

from mmstconv.models.layers import Conv3dSame, SeparableConv3d, same_padding


@pytest.mark.parametrize("mid_channels", [None, 7])
def test_is_space_then_time(mid_channels):
    conv = SeparableConv3d(
        3, 5, 3, stride=(2, 1, 2), padding=(1, 1, 0), mid_channels=mid_channels
    ).eval()
    x = torch.randn(2, 3, 4, 6, 7)
    space, time = conv.conv_s, conv.conv_t
    assert space.out_channels == (mid_channels or 5)
    y = F.conv3d(x, space.weight, space.bias, (1, 1, 2), (0, 1, 0)).relu()
    y = y / (1 + 1e-5) ** 0.5  # a new batch norm: mean 0, variance 1
    expected = F.conv3d(y, time.weight, time.bias, (2, 1, 1), (1, 0, 0))
    torch.testing.assert_close(conv(x), expected)


def test_middle_without_norm():
    conv = SeparableConv3d(2, 4, 3, padding=1, norm_cfg=None)
    assert not any("bn" in name for name in conv.state_dict())
    assert conv(torch.rand(1, 2, 3, 4, 4)).shape == (1, 4, 3, 4, 4)


@pytest.mark.parametrize("wrong", [dict(groups=2), dict(dilation=2)])
def test_what_it_cannot_do_is_said(wrong):
    with pytest.raises(ValueError, match="no groups and no dilation"):
        SeparableConv3d(2, 4, 3, **wrong)


@for_each("length", range(1, 12))
@for_each("size", [1, 2, 3, 7])
@for_each("stride", [1, 2, 3])
def test_same_padding_is_tensorflows_rule(length, size, stride):
    before, after = same_padding(length, size, stride)
    # https://www.tensorflow.org/api_docs/python/tf/nn#notes_on_padding_2
    over = stride if length % stride == 0 else length % stride
    total = max(size - over, 0)
    assert (before, after) == (total // 2, total - total // 2)


@pytest.mark.parametrize("shape", [(4, 6, 8), (5, 7, 9), (16, 14, 13)])
def test_same_convolution_pads_more_after(shape):
    conv = Conv3dSame(2, 3, 7, stride=2, padding=99)
    x = torch.randn(1, 2, *shape)
    got = conv(x)
    assert got.shape[2:] == tuple(-(-length // 2) for length in shape)
    # even lengths: two before, three after; odd: three and three
    pads = [side for n in reversed(shape) for side in ((3, 3) if n % 2 else (2, 3))]
    expected = F.conv3d(F.pad(x, pads), conv.weight, conv.bias, 2)
    torch.testing.assert_close(got, expected)
