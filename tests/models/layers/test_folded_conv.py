from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from helpers_culprits import for_each

from mmstconv.models.layers import ConvBlock, FoldedConv3d

BLOCK = dict(
    conv_cfg=dict(type="FoldedConv3d"),
    norm_cfg=dict(type="BN3d", eps=1e-3),
    act_cfg=dict(type="ReLU6", inplace=False),
)


def same(x, kernel, stride):
    """TensorFlow's padding of height and width: the odd zero comes last."""
    pads = []
    for length, k in ((x.shape[4], kernel[2]), (x.shape[3], kernel[1])):
        total = max((math.ceil(length / stride) - 1) * stride + k - length, 0)
        pads += [total // 2, total - total // 2]
    return F.pad(x, pads)


@for_each("kernel", [(1, 3, 3), (1, 5, 3), (1, 1, 1), (3, 5, 5)])
@for_each("stride", [1, 2])
@for_each("size", [(7, 8), (9, 5)])
@for_each("groups", [1, 4])
def test_is_a_3d_convolution_of_the_padded_input(kernel, stride, size, groups):
    over_time = kernel[0] // 2
    net = FoldedConv3d(
        4, 8, kernel, (1, stride, stride), over_time, groups=groups
    ).double()
    x = torch.randn(2, 4, 3, *size, dtype=torch.double)
    ours, theirs = x.clone().requires_grad_(), x.clone().requires_grad_()
    got = net(ours.contiguous(memory_format=torch.channels_last_3d))
    wanted = F.conv3d(
        same(theirs, kernel, stride),
        net.weight,
        net.bias,
        (1, stride, stride),
        (over_time, 0, 0),
        groups=groups,
    )
    torch.testing.assert_close(got, wanted)
    weight = torch.randn_like(wanted)
    (got * weight).sum().backward()
    (wanted * weight).sum().backward()
    torch.testing.assert_close(ours.grad, theirs.grad)


@for_each("training", [False, True])
def test_a_norm_at_its_statistics_goes_into_the_weights(training):
    net = ConvBlock(4, 4, kernel_size=(1, 3, 3), groups=4, **BLOCK)
    for value in (net.bn.weight, net.bn.running_var):
        torch.nn.init.uniform_(value, 0.5, 1.5)
    torch.nn.init.normal_(net.bn.running_mean)
    net.train(training)
    x = torch.randn(2, 4, 3, 5, 6, requires_grad=True)
    got = net(x)
    wanted = net.bn(net.conv(x)).clamp(0, 6)
    torch.testing.assert_close(got, wanted)
    got.sum().backward()
    assert net.conv.weight.grad.abs().sum() > 0 and net.bn.weight.grad.abs().sum() > 0


def test_a_cpu_trains_depthwise_kernels_in_float32():
    net = FoldedConv3d(4, 4, (1, 3, 3), groups=4, bias=False)
    x = torch.randn(1, 4, 2, 5, 5)
    with torch.autocast("cpu", torch.bfloat16):
        assert net(x.bfloat16()).dtype == torch.float32
        net.requires_grad_(False)
        assert net(x).dtype == torch.bfloat16


def test_every_second_frame():
    folded = FoldedConv3d(2, 4, (1, 3, 3), stride=(2, 1, 1), bias=False)
    usual = torch.nn.Conv3d(2, 4, (1, 3, 3), (2, 1, 1), (0, 1, 1), bias=False)
    usual.load_state_dict(folded.state_dict())
    x = torch.randn(2, 2, 7, 5, 6)
    torch.testing.assert_close(folded(x), usual(x))


def test_no_dilation():
    with pytest.raises(ValueError, match=r"no dilation, got \(2, 2, 2\)"):
        FoldedConv3d(1, 1, 3, dilation=2)
