"""Gradients of kernels in bfloat16, where kernels are longer than their inputs."""

from __future__ import annotations

import itertools

import pytest
import torch
from mmaction.registry import MODELS
from torch import nn
from torch.utils.checkpoint import checkpoint

from mmstconv.engine.cpu import CPUAmpOptimWrapper
from mmstconv.engine.cpu_convolutions import pad_beforehand

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)


def wrapper(net):
    return CPUAmpOptimWrapper(optimizer=torch.optim.SGD(net.parameters(), lr=0.1))


def gradients(net, x, context):
    """Of input and parameters, for a sum whose weights are known."""
    net.zero_grad()
    x = x.clone().requires_grad_()
    with context:
        y = net(x)
    weights = torch.linspace(-1, 1, y.numel()).reshape(y.shape)
    (y.float() * weights).sum().backward()
    return [x.grad, *(p.grad.clone() for p in net.parameters())]


def test_of_every_length_of_input_and_kernel():
    culprits = []
    lengths = itertools.product(range(1, 5), (2, 3, 5), (1, 2))
    for axes, (long, kernel, stride) in itertools.product((1, 2, 3), lengths):
        for axis in range(axes):
            sizes = dict(kernel_size=[3] * axes, stride=[1] * axes, padding=[1] * axes)
            for key, value in zip(sizes, (kernel, stride, kernel // 2)):
                sizes[key][axis] = value
            torch.manual_seed(0)
            net = CONVOLUTIONS[axes - 1](16, 16, **sizes, bias=False)
            size = [6] * axes
            size[axis] = long
            x = torch.randn(2, 16, *size)
            exact = gradients(net, x, torch.enable_grad())
            found = gradients(net, x, wrapper(net).optim_context(net))
            for one, other in zip(found, exact):
                if not (one - other).norm() < 0.02 * other.norm():
                    culprits.append((axes, axis, long, kernel, stride))
    assert not culprits


@pytest.mark.parametrize("arch", ["r3d_18", "r2plus1d_18"])
def test_of_networks_whose_last_stages_have_two_steps(arch):
    torch.manual_seed(0)
    net = MODELS.build(dict(type="STConvNet", arch=arch, in_channels=3))
    net.init_weights()
    net.eval()  # neither dropout nor statistics of a batch
    x = torch.randn(1, 3, 16, 32, 32)
    exact = gradients(net, x, torch.enable_grad())
    found = gradients(net, x, wrapper(net).optim_context(net))
    alike = [
        torch.nn.functional.cosine_similarity(one.flatten(), other.flatten(), 0)
        for one, other in zip(found[1:], exact[1:])
        if one.dim() == 5
    ]
    assert min(alike) > 0.9


@pytest.mark.parametrize("reentrant", [False, True])
def test_of_what_backward_computes_again(reentrant):
    torch.manual_seed(0)
    conv = nn.Conv3d(32, 32, (3, 1, 1), padding=(1, 0, 0))

    def again(x):
        return checkpoint(conv, x, use_reentrant=reentrant)

    amp = wrapper(conv)
    x = torch.randn(2, 32, 2, 7, 7, requires_grad=True)
    conv(x).square().mean().backward()
    exact = conv.weight.grad.clone()
    conv.zero_grad()
    with amp.optim_context(conv):
        loss = again(x).float().square().mean()
    amp.backward(loss)
    assert (conv.weight.grad - exact).norm() < 0.02 * exact.norm()


@pytest.mark.parametrize("kernel, dilation", [(3, 1), (5, 1), (4, 1), (3, 2)])
def test_padding_that_is_said_by_a_word(kernel, dilation):
    torch.manual_seed(0)
    sizes = ((kernel, 1, 1), 1, "same", (dilation, 1, 1))
    net = nn.Conv3d(32, 32, *sizes, bias=False)
    x = torch.randn(2, 32, 2, 7, 7)
    exact = gradients(net, x, torch.enable_grad())
    found = gradients(net, x, wrapper(net).optim_context(net))
    for one, other in zip(found, exact):
        assert (one - other).norm() < 0.02 * other.norm()


def test_what_comes_out_is_the_same():
    x, weight = torch.randn(2, 4, 2, 5, 5), torch.randn(6, 2, 3, 3, 3)
    pad_beforehand()
    functional = nn.functional.conv3d
    assert functional.__wrapped__ is torch.conv3d
    for padding in (0, 1, (1, 0, 2), "same", "valid", [1]):
        if padding in (0, "valid", (1, 0, 2)):
            x = torch.randn(2, 4, 4, 5, 5)
        else:
            x = torch.randn(2, 4, 2, 5, 5)
        expected = torch.conv3d(x, weight, None, 1, padding, 1, 2)
        torch.testing.assert_close(
            functional(x, weight, None, 1, padding, 1, 2), expected
        )
        with torch.autocast("cpu", torch.bfloat16):
            expected = torch.conv3d(x, weight, None, 1, padding, 1, 2)
            found = functional(x, weight, None, 1, padding, 1, 2)
            named = functional(x, weight, padding=padding, groups=2)
        torch.testing.assert_close(found, expected)
        torch.testing.assert_close(named, expected)
