"""Batch norm whose threads share no cache lines, against the formula in float64."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from mmengine.config import Config
from torch import nn

from mmstconv.engine.cpu import prepare
from mmstconv.engine.cpu_convolutions import CHANNELS_LAST, put_channels_last
from mmstconv.engine.cpu_norms import fill_lines

NORMS = {4: nn.BatchNorm2d, 5: nn.BatchNorm3d}


@pytest.fixture(autouse=True)
def two_threads(monkeypatch):
    monkeypatch.setattr(F, "batch_norm", F.batch_norm)
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(threads)


def laid_out(*shape, offset=0.0):
    x = torch.randn(*shape) * 3 + offset
    return x.to(memory_format=CHANNELS_LAST[x.dim()])


def is_ours(y) -> bool:
    return "FilledBatchNorm" in y.grad_fn.name()


def in_float64(x, norm, dy):
    """Output, gradients of input, weight and bias, and running statistics."""
    x, dy = x.double(), dy.double()
    axes, shape = [0, *range(2, x.dim())], [1, -1] + [1] * (x.dim() - 2)
    values = x.numel() / x.shape[1]
    mean = x.mean(axes, keepdim=True)
    var = (x - mean).square().mean(axes, keepdim=True)
    inverse = 1 / (var + norm.eps).sqrt()
    normed = (x - mean) * inverse
    weight = norm.weight.detach().double().view(shape)
    y = normed * weight + norm.bias.detach().double().view(shape)
    by_weight, by_bias = ((dy * t).sum(axes, keepdim=True) for t in (normed, 1.0))
    by_x = weight * inverse * (dy - (by_bias + normed * by_weight) / values)
    kept = 1 - norm.momentum
    running_mean = norm.momentum * mean
    running_var = kept + norm.momentum * var * values / (values - 1)
    flat = (by_weight, by_bias, running_mean, running_var)
    return y, by_x, *(t.flatten() for t in flat)


@pytest.mark.parametrize("offset", [0.0, 30.0])
@pytest.mark.parametrize("axes", [(4, 8), (4, 6, 10)])
@pytest.mark.parametrize("channels", [1, 2, 3, 8, 12, 17, 24, 40, 54, 108])
def test_is_the_formula(channels, axes, offset):
    fill_lines()
    torch.manual_seed(channels)
    x = laid_out(4, channels, *axes, offset=offset).requires_grad_()
    norm = NORMS[x.dim()](channels, momentum=0.3)
    with torch.no_grad():
        norm.weight.normal_()
        norm.bias.normal_()
    dy = laid_out(4, channels, *axes, offset=1.0)
    y = norm(x)
    y.backward(dy)
    assert is_ours(y) == (channels > 1)  # of one channel every layout is the same
    assert y.is_contiguous(memory_format=CHANNELS_LAST[x.dim()])
    running = norm.running_mean, norm.running_var
    found = (y, x.grad, norm.weight.grad, norm.bias.grad, *running)
    for one, exact in zip(found, in_float64(x.detach(), norm, dy), strict=True):
        tolerance = 2e-5 * max(1.0, exact.abs().max().item())
        torch.testing.assert_close(one.double(), exact, atol=tolerance, rtol=1e-4)
    assert norm.num_batches_tracked == 1


def test_an_activation_in_place():
    fill_lines()
    x = laid_out(2, 12, 4, 4, 4).requires_grad_()
    found, expected = (
        torch.autograd.grad(nn.ReLU(inplace)(nn.BatchNorm3d(12)(x)).square().sum(), x)
        for inplace in (True, False)
    )
    assert torch.equal(*found, *expected)


def test_a_gradient_in_another_layout():
    fill_lines()
    x = laid_out(2, 12, 4, 4, 4).requires_grad_()
    norm = nn.BatchNorm3d(12)
    dy = torch.randn(2, 12, 4, 4, 4)  # of a pooling, or of a layer that is linear
    (found,) = torch.autograd.grad(norm(x), x, dy)
    torch.testing.assert_close(
        found.double(), in_float64(x.detach(), norm, dy)[1], atol=1e-5, rtol=1e-4
    )


@pytest.mark.parametrize(
    "what",
    [
        "lines are full",
        "another layout",
        "bfloat16",
        "float64",
        "one thread",
        "evaluation",
        "positions that fill no line",
        "no weight",
    ],
)
def test_all_others_stay_as_they_were(what):
    fill_lines()
    channels = 32 if what == "lines are full" else 12
    side = 3 if what == "positions that fill no line" else 4
    x = laid_out(1, channels, side, side, side)
    norm = nn.BatchNorm3d(channels, affine=what != "no weight")
    if what == "another layout":
        x = x.contiguous()
    if what in ("bfloat16", "float64"):
        x, norm = (t.to(getattr(torch, what)) for t in (x, norm))
    if what == "one thread":
        torch.set_num_threads(1)
    norm.train(what != "evaluation")
    y = norm(x.requires_grad_())
    assert y.grad_fn.name() == "NativeBatchNormBackward0"


def test_one_value_a_channel_is_still_an_error():
    fill_lines()
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        nn.BatchNorm3d(12)(laid_out(1, 12, 1, 1, 1))


def test_a_run_without_a_gpu_has_it_once():
    cfg = Config(dict(launcher="none"))
    prepare(cfg)
    prepare(cfg)
    assert not hasattr(F.batch_norm.__wrapped__, "__wrapped__")
    net = nn.Sequential(nn.Conv3d(3, 12, 3, padding=1), nn.BatchNorm3d(12))
    put_channels_last(net)
    assert is_ours(net(laid_out(2, 3, 4, 4, 4)))
