"""A matrix product in place of a convolution: same numbers, same gradients."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from helpers_culprits import for_each

from mmstconv.models.layers import FullWindowConv3d


@for_each("layout", [torch.contiguous_format, torch.channels_last_3d])
@for_each(
    "kernel, kwargs, size",
    [
        ((1, 4, 4), {}, (1, 4, 4)),  # all of it
        ((1, 4, 3), dict(bias=False), (5, 4, 3)),  # of each step
        (1, {}, (3, 1, 1)),
        ((1, 4, 4), {}, (2, 5, 4)),  # larger
        ((2, 4, 4), {}, (3, 4, 4)),  # over time
        ((1, 4, 4), dict(stride=2), (4, 4, 4)),
        ((1, 3, 3), dict(padding=1), (2, 3, 3)),
        ((1, 3, 3), dict(groups=2), (2, 3, 3)),
    ],
)
def test_equals_the_convolution(kernel, kwargs, size, layout):
    torch.manual_seed(0)
    conv = FullWindowConv3d(4, 6, kernel, **kwargs).double()
    x = torch.randn(2, 4, *size, dtype=torch.float64)
    x = x.contiguous(memory_format=layout).requires_grad_()
    plain = {key: value for key, value in kwargs.items() if key != "bias"}
    inputs = [one for one in (x, conv.weight, conv.bias) if one is not None]
    expected, found = F.conv3d(x, conv.weight, conv.bias, **plain), conv(x)
    torch.testing.assert_close(found, expected)
    back = torch.randn_like(expected)
    pairs = zip(
        torch.autograd.grad(found, inputs, back),
        torch.autograd.grad(expected, inputs, back),
    )
    for one, other in pairs:
        torch.testing.assert_close(one, other)


def test_a_full_window_is_no_convolution(monkeypatch):
    monkeypatch.setattr(torch.nn.Conv3d, "forward", None)
    y = FullWindowConv3d(2, 3, (1, 4, 4))(torch.zeros(1, 2, 5, 4, 4))
    assert y.shape == (1, 3, 5, 1, 1)
