from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from helpers_culprits import for_each

from mmstconv.models.layers import InceptionBlock

WIDTHS = (4, 3, 5, 2, 6, 7)
BN = dict(norm_cfg=dict(type="BN3d"), act_cfg=dict(type="ReLU"))


@for_each("batch", [1, 2])
@for_each("separable", [False, True])
@for_each("gate", [False, True])
def test_shapes_and_gradient(batch, separable, gate):
    conv_cfg = dict(type="SeparableConv3d") if separable else None
    net = InceptionBlock(3, WIDTHS, conv_cfg=conv_cfg, gate=gate, **BN)
    y = net(torch.randn(batch, 3, 4, 5, 6))
    assert y.shape == (batch, 4 + 5 + 6 + 7, 4, 5, 6) and net.out_channels == 22
    y.square().sum().backward()
    assert all(torch.isfinite(one.grad).all() for one in net.parameters())


def test_four_branches_in_order():
    net = InceptionBlock(3, WIDTHS, norm_cfg=None, act_cfg=dict(type="ReLU"))
    x = torch.rand(1, 3, 4, 5, 6)

    def conv(block, x):
        weight = block.conv.weight
        return F.conv3d(
            x, weight, block.conv.bias, padding=weight.shape[-1] // 2
        ).relu()

    zero, one, two, three = net.branches
    expected = [
        conv(zero[0], x),
        conv(one[1], conv(one[0], x)),
        conv(two[1], conv(two[0], x)),
        conv(three[1], F.max_pool3d(x, 3, 1, 1)),
    ]
    torch.testing.assert_close(net(x), torch.cat(expected, 1))


def test_gates_end_the_branches():
    net = InceptionBlock(3, WIDTHS, gate=True, **BN)
    gates = {name.rsplit(".gate")[0] for name in net.state_dict() if "gate" in name}
    assert gates == {"branches.0.0", "branches.1.1", "branches.2.1", "branches.3.1"}


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        (dict(channels=(1, 2, 3)), "expected 6 widths"),
        (dict(channels=8), "expected 6 widths"),
        (dict(channels=WIDTHS, stride=2), "stride 1, got ndim=3, stride=2"),
    ],
)
def test_wrong_arguments(kwargs, message):
    with pytest.raises(ValueError, match=message):
        InceptionBlock(3, **kwargs)
