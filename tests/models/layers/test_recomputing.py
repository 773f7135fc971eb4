from __future__ import annotations

import copy

import torch
from torch import nn

from mmstconv.models.layers import run_recomputed


def net():
    return nn.Sequential(nn.Conv3d(2, 4, 3), nn.BatchNorm3d(4), nn.ReLU())


def test_same_gradient_and_statistics_as_a_plain_pass():
    plain = net()
    recomputed = copy.deepcopy(plain)
    x = torch.randn(2, 2, 5, 5, 5)
    one = x.clone().requires_grad_()
    two = x.clone().requires_grad_()
    plain(one).square().sum().backward()
    run_recomputed(recomputed, two).square().sum().backward()
    torch.testing.assert_close(two.grad, one.grad)
    for name, value in plain.state_dict().items():
        assert torch.equal(recomputed.state_dict()[name], value), name
    for ours, theirs in zip(recomputed.parameters(), plain.parameters()):
        torch.testing.assert_close(ours.grad, theirs.grad)
    assert recomputed[1].momentum == 0.1


def test_activations_are_not_kept():
    class Counted(nn.Module):
        calls = 0

        def forward(self, x):
            self.calls += 1
            return x.sin()

    module = Counted()
    y = run_recomputed(module, torch.rand(3, requires_grad=True))
    assert module.calls == 1
    y.sum().backward()
    assert module.calls == 2
